use super::*;
use serde_json::json;

fn error(status: u16, code: &str, message: &str) -> Option<Kind> {
    let body = json!({"error": {"code": code, "message": message, "details": []}});
    judge(status, &Said::read(&body), None)
}

#[test]
fn a_missing_permission_is_named() {
    let said = "The client 'app' with object id 'o' does not have authorization to perform action \
        'Microsoft.Network/networkInterfaces/effectiveRouteTable/action' over scope '/subscriptions/s/resourceGroups/g' or \
        the scope is invalid. If access was recently granted, please refresh your credentials.";
    let linked = "The client 'app' has permission to perform action 'Microsoft.Network/networkInterfaces/write' on scope \
        '/subscriptions/s/n'; however, it does not have permission to perform action(s) \
        'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '/subscriptions/s/v'.";
    let forbidden = |action: &str, scope: &str| {
        Some(Kind::Forbidden {
            action: Some(action.to_owned()),
            scope: Some(scope.to_owned()),
        })
    };
    assert_eq!(
        error(403, "AuthorizationFailed", said),
        forbidden(
            "Microsoft.Network/networkInterfaces/effectiveRouteTable/action",
            "/subscriptions/s/resourceGroups/g"
        )
    );
    assert_eq!(
        error(403, "LinkedAuthorizationFailed", linked),
        forbidden(
            "Microsoft.Network/virtualNetworks/subnets/join/action",
            "/subscriptions/s/v"
        )
    );
    // A message of another form names nothing, and is forbidden all the same.
    assert_eq!(
        error(403, "AuthorizationFailed", "no"),
        Some(Kind::Forbidden {
            action: None,
            scope: None
        })
    );
}

#[test]
fn a_lock_is_no_throttle_and_no_quota() {
    let busy = "Run command extension execution is in progress. Please wait for completion before invoking a run command.";
    let cases = [
        (429, "RetryableErrorDueToAnotherOperation", "x", Kind::Locked),
        (409, "AnotherOperationInProgress", "x", Kind::Locked),
        (409, "Conflict", busy, Kind::Locked),
        (409, "Conflict", "the name is taken", Kind::Rejected),
        (409, "SecurityRuleConflict", "x", Kind::Rejected),
        (429, "TooManyRequests", "x", Kind::Throttled { retry_after: None }),
        (
            409,
            "OperationNotAllowed",
            "exceeding approved standardDSv3Family Cores quota",
            Kind::Quota,
        ),
        (400, "PacketCaptureCountLimitReached", "x", Kind::Quota),
        (403, "QuotaExceeded", "x", Kind::Quota),
        (
            409,
            "OperationNotAllowed",
            "The operation requires the VM to be running (or set to run).",
            Kind::NotRunning,
        ),
    ];
    for (status, code, message, kind) in cases {
        assert_eq!(
            error(status, code, message),
            Some(kind),
            "{status} {code} {message}"
        );
    }
}

#[test]
fn a_quota_that_comes_back_is_a_throttle() {
    let after = Some(Duration::from_secs(7));
    let said = Said::read(&json!({"error": {"code": "QuotaExceeded", "message": ""}}));
    assert_eq!(
        judge(429, &said, after),
        Some(Kind::Throttled { retry_after: after })
    );
    assert_eq!(judge(429, &said, None), Some(Kind::Quota));
}

#[test]
fn only_azure_says_that_something_is_gone() {
    let gone = |by_resource_manager| Some(Kind::NotFound { by_resource_manager });
    assert_eq!(error(404, "ResourceNotFound", ""), gone(true));
    assert_eq!(error(404, "ResourceGroupNotFound", ""), gone(true));
    assert_eq!(error(404, "NotFound", ""), gone(false));
    assert_eq!(error(404, "SubscriptionNotFound", ""), Some(Kind::NoSubscription));
    assert_eq!(error(404, "InvalidResourceType", ""), Some(Kind::Rejected));
    for body in [
        json!(null),
        json!({}),
        json!({"message": "no such page"}),
        json!("404"),
    ] {
        assert_eq!(judge(404, &Said::read(&body), None), None, "{body}");
    }
}

#[test]
fn a_nic_must_run_in_both_readings() {
    for code in [
        "NicMustBeAttachedToRunningVmToGetEffectiveRoutes",
        "NicMustBeAttachedToRunningVmToGetEffectiveSecurityGroups",
    ] {
        assert_eq!(error(400, code, "x"), Some(Kind::NotRunning));
    }
}

#[test]
fn a_detail_may_be_the_telling_part() {
    let body = json!({"error": {"code": "BadRequest", "message": "", "details": [
        {"code": "AnotherOperationInProgress", "message": "x"}]}});
    assert_eq!(judge(400, &Said::read(&body), None), Some(Kind::Locked));
    assert_eq!(judge_operation(&Said::read(&body)), Kind::Locked);
    assert_eq!(
        judge_operation(&Said::read(&json!({"code": "VMAgentStatusCommunicationError"}))),
        Kind::OperationFailed
    );
    assert_eq!(judge_operation(&Said::read(&json!(null))), Kind::OperationFailed);
}

#[test]
fn what_does_its_work_each_time_is_made_again_only_where_it_was_refused() {
    let throttled = Kind::Throttled { retry_after: None };
    let page = Kind::NotJson {
        content_type: "text/html".to_owned(),
        html: true,
    };
    assert_eq!(cause(&throttled, Some(429), false), Some(Cause::Throttled));
    assert_eq!(cause(&Kind::Locked, Some(409), false), Some(Cause::Locked));
    for kind in [Kind::Server, Kind::Network, Kind::Cut, page.clone()] {
        assert_eq!(cause(&kind, Some(502), true), Some(Cause::Failed));
        assert_eq!(cause(&kind, Some(502), false), None);
    }
    assert_eq!(cause(&page, Some(200), true), None);
    assert_eq!(cause(&Kind::Malformed, Some(200), true), None);
    assert_eq!(cause(&Kind::Cut, Some(200), true), Some(Cause::Failed));
    assert_eq!(cause(&Kind::Cut, Some(200), false), None);
    for kind in [
        Kind::Quota,
        Kind::Rejected,
        Kind::Unauthenticated,
        Kind::NotRunning,
        Kind::Changed,
    ] {
        assert_eq!(cause(&kind, Some(409), true), None, "{kind:?}");
    }
}

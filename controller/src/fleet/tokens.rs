//! Tokens.

use netghost_proto::v1;
use tonic::Status;

use crate::Controller;
use crate::caller::User;

pub(super) async fn create_token(
    _controller: &Controller,
    _user: &User,
    _request: v1::CreateTokenRequest,
) -> Result<v1::CreatedToken, Status> {
    Err(Status::unimplemented("create_token"))
}

pub(super) async fn list_tokens(
    _controller: &Controller,
    _user: &User,
    _request: v1::ListTokensRequest,
) -> Result<v1::TokenList, Status> {
    Err(Status::unimplemented("list_tokens"))
}

pub(super) async fn revoke_token(
    _controller: &Controller,
    _user: &User,
    _request: v1::RevokeTokenRequest,
) -> Result<v1::Token, Status> {
    Err(Status::unimplemented("revoke_token"))
}

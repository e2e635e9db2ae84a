//! A VM's resource id, as Resource Manager confirms it or does not: a server that gives one answer, over the real client.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use netghost_azure::retry::RetryPolicy;
use netghost_azure::{Arm, Build, Cloud, CloudSettings, NoToken, Token, TokenSource};
use netghost_controller::attested::{Manager, Resources};
use netghost_core::azure::id::ResourceId;

const VM: &str = "/subscriptions/5f130ffc-0a3e-4795-b691-4f56a12a5547/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-1";

/// Serves this answer to every request, and says which paths were asked for.
fn serve(status: u16, kind: &'static str, body: &str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\nx-ms-request-id: req-7\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let asked = Arc::new(Mutex::new(Vec::new()));
    let paths = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (answer, paths) = (answer.clone(), Arc::clone(&paths));
            std::thread::spawn(move || converse(stream, &answer, &paths));
        }
    });
    (base, asked)
}

fn converse(stream: TcpStream, answer: &str, paths: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first).ok()? == 0 {
            return None;
        }
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let line = line.trim().to_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        reader.read_exact(&mut vec![0; length]).ok()?;
        paths.lock().unwrap().push(first.trim().to_owned());
        writer.write_all(answer.as_bytes()).ok()?;
    }
}

#[derive(Debug)]
struct Known;

impl TokenSource for Known {
    fn fetch(&self) -> BoxFuture<'_, Result<Token, NoToken>> {
        Box::pin(async { Ok(Token::new("token".to_owned(), Duration::from_secs(3600))) })
    }
}

fn arm(base: &str) -> Arm {
    let cloud = Cloud::new(&CloudSettings::Custom {
        endpoint: base.to_owned(),
        authority: "https://localhost:1".to_owned(),
        scope: None,
        ca_file: None,
    });
    let retry = RetryPolicy {
        first: Duration::from_millis(5),
        longest: Duration::from_millis(20),
        ..RetryPolicy::default()
    };
    let build = Build::new(cloud.unwrap()).retry(retry);
    build.with_tokens(Box::new(Known)).unwrap()
}

async fn told(status: u16, kind: &'static str, body: &str) -> Result<String, String> {
    let (base, asked) = serve(status, kind, body);
    let id: ResourceId = VM.parse().unwrap();
    let told = Manager::new(arm(&base)).vm(&id).await;
    let asked = asked.lock().unwrap();
    assert!(
        asked
            .iter()
            .all(|path| path.starts_with(&format!("GET {VM}?api-version="))),
        "{asked:?}"
    );
    assert!(!asked.is_empty());
    told
}

#[tokio::test]
async fn resource_manager_says_which_vm_an_id_names() {
    let body =
        format!(r#"{{"id": "{VM}", "properties": {{"vmId": "BD8E7443-24a0-41f3-b949-8baf4fd1c573"}}}}"#);
    let vm = told(200, "application/json", &body).await.unwrap();
    assert_eq!(vm, "BD8E7443-24a0-41f3-b949-8baf4fd1c573");
}

#[tokio::test]
async fn what_is_no_answer_confirms_nothing_and_says_why() {
    let message = "The client 'c' with object id 'o' does not have authorization to perform action 'Microsoft.Compute/virtualMachines/read' over scope '/s' or the scope is invalid.";
    let forbidden = format!(r#"{{"error": {{"code": "AuthorizationFailed", "message": "{message}"}}}}"#);
    let gone = r#"{"error": {"code": "ResourceNotFound", "message": "not there"}}"#;
    for (status, kind, body, wanted) in [
        (
            403,
            "application/json",
            forbidden.as_str(),
            "Microsoft.Compute/virtualMachines/read",
        ),
        (404, "application/json", gone, "ResourceNotFound"),
        (200, "text/html", "<html>log in</html>", "a page for a browser"),
        (200, "application/json", r#"{"properties": {"vmId": "#, "cut off"),
        (200, "application/json", r#"{"name": "web-1"}"#, "no properties"),
        (200, "application/json", r#"{"properties": {}}"#, "no vmId"),
        (
            200,
            "application/json",
            r#"{"properties": {"vmId": ""}}"#,
            "no vmId",
        ),
        (200, "application/json", r#"{"properties": {"vmId": 7}}"#, "vmId"),
    ] {
        let why = told(status, kind, body).await.unwrap_err();
        assert!(
            why.contains(wanted) && why.contains("Resource Manager"),
            "{body}: {why}"
        );
    }
}

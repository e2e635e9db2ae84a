//! Who may connect, what is answered, and where nothing is done.

use super::*;

/// As the socket unit starts it: the connection is its standard input.
#[test]
fn root_one_connection_is_one_demand() {
    let stand = Stand::new();
    let said = |bytes: &[u8]| {
        let (mut here, there) = UnixStream::pair().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_netghost-act"));
        command.arg("--state").arg(stand.path("state"));
        let mut child = command.stdin(Stdio::from(OwnedFd::from(there))).spawn().unwrap();
        drop(command);
        here.write_all(bytes).unwrap();
        let answer: Answer = frame::take(&mut here, LONGEST_DEMAND).unwrap();
        assert!(child.wait().unwrap().success());
        answer
    };
    let framed = |text: &str| {
        let mut bytes = Vec::new();
        frame::write(&mut bytes, text.as_bytes()).unwrap();
        bytes
    };
    let unknown = format!(r#"{{"demand":"standing","action":"{}"}}"#, "0".repeat(64));
    for (bytes, code) in [
        (framed(&unknown), "unknown_action"),
        (framed(&unknown.replace("standing", "run")), "malformed"),
        (framed(&unknown.replace('}', r#","command":"id"}"#)), "malformed"),
        // A key twice, of which one reader takes the first and another the last; something behind the demand; no end of nesting.
        (
            framed(&unknown.replacen("{", r#"{"demand":"undo","#, 1)),
            "malformed",
        ),
        (
            framed(&unknown.replace('}', &format!(r#","action":"{}"}}"#, "1".repeat(64)))),
            "malformed",
        ),
        (framed(&format!("{unknown}{unknown}")), "malformed"),
        (framed(&format!("{unknown} x")), "malformed"),
        (
            framed(&format!(r#"{{"demand":{}"#, "[".repeat(10_000))),
            "malformed",
        ),
        (
            framed(&format!(r#"{{"demand":{}"#, r#"{"demand":"#.repeat(1_000))),
            "malformed",
        ),
        (framed(""), "malformed"),
        (framed("GET / HTTP/1.1"), "malformed"),
        (framed(&" ".repeat(LONGEST_DEMAND + 1)), "malformed"),
        (u32::MAX.to_be_bytes().to_vec(), "malformed"),
    ] {
        match said(&bytes) {
            Answer::Refused { code: got, .. } => assert_eq!(got, code),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn root_another_user_is_refused() {
    let stand = Stand::started();
    for socket in ["act.sock", "guard.sock"] {
        let path = stand.path(socket);
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        let other = thread::spawn(move || {
            // Of this thread alone, which ends here.
            set_thread_uid(Uid::from_raw(65_534)).unwrap();
            let mut stream = UnixStream::connect(path).unwrap();
            drop(frame::write(
                &mut stream,
                format!(r#"{{"say":"hello","action":"{}"}}"#, "0".repeat(64)).as_bytes(),
            ));
            frame::read(&mut stream, LONGEST_DEMAND).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        });
        let heard = other.join().unwrap().unwrap_or_default();
        assert!(
            heard.is_empty() || heard.contains("user 65534 may not ask"),
            "{heard}"
        );
    }
}

#[test]
fn root_only_one_guard_lives() {
    let stand = Stand::started();
    let mut command = Command::new(env!("CARGO_BIN_EXE_netghost-act"));
    command.args(["guard", "--listen"]).arg(stand.path("second.sock"));
    command.arg("--state").arg(stand.path("state"));
    let second = command.output().unwrap();
    assert_eq!(second.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another guard runs"));
}

/// A disk with room for nothing: an approval may be spent or not, nothing is changed.
#[test]
fn root_on_a_disk_without_room_nothing_is_done() {
    let mut stand = Stand::started();
    let action = stand.propose(iperf(5001, 600));
    let state = stand.path("state").display().to_string();
    // What others see there is what the processes see: they were started before, so the directory itself is filled up.
    let quota =
        format!("mount -t tmpfs -o size=4k,nr_inodes=64 tmpfs {state}.full && cp -a {state}/. {state}.full/");
    std::fs::create_dir(format!("{state}.full")).unwrap();
    let filled = Command::new("sh").args(["-c", &quota]).status().unwrap();
    stand.kill_serve();
    stand.kill_guard();
    let was = format!("{state}.was");
    std::fs::rename(&state, &was).unwrap();
    std::os::unix::fs::symlink(format!("{state}.full"), &state).unwrap();
    stand.restart();
    let answer = stand.ask(&perform(&action));
    let strangers = stand.strangers();
    stand.kill_serve();
    stand.kill_guard();
    assert!(
        Command::new("umount")
            .arg(format!("{state}.full"))
            .status()
            .unwrap()
            .success()
    );
    match answer {
        Answer::Refused { code, .. } => assert_eq!(code, "disk"),
        other => panic!("{other:?} {filled:?}"),
    }
    assert_eq!(strangers, Vec::<String>::new());
}

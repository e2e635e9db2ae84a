//! A PostgreSQL server of the test's own, from Debian's package: no port, only a socket in a directory that is removed.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::Connection;
use sqlx::postgres::PgConnection;

/// The server; ended when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    directory: PathBuf,
}

impl Server {
    /// Starts one, or fails saying what is missing.
    pub(crate) fn start() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "PostgreSQL is started as its own user, which needs root: run the test with sudo"
        );
        let programs = programs();
        let directory = std::env::temp_dir().join(format!("netghost-postgres-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let owned = Command::new("chown")
            .arg("postgres:")
            .arg(&directory)
            .status()
            .unwrap();
        assert!(owned.success());
        let data = directory.join("data");
        let made = as_postgres(&programs.join("initdb"))
            .args([
                "--auth=trust",
                "--username=netghost",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
                "--pgdata",
            ])
            .arg(&data)
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "initdb");
        let child = as_postgres(&programs.join("postgres"))
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&directory)
            // Nothing here has to outlive the machine.
            .args(["-c", "listen_addresses=", "-F"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, directory }
    }

    /// The URL of a new database.
    pub(crate) async fn database(&self, name: &str) -> String {
        // A name has at most 63 bytes.
        let name: String = name.chars().take(60).collect();
        let since = Instant::now();
        let mut connection = loop {
            match PgConnection::connect(&self.url("postgres")).await {
                Ok(connection) => break connection,
                Err(error) => assert!(since.elapsed() < Duration::from_secs(30), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let create = format!("CREATE DATABASE {name}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(create))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!(
            "postgres://netghost@localhost/{database}?host={}",
            self.directory.display()
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGINT is PostgreSQL's fast shutdown.
        let pid = rustix::process::Pid::from_child(&self.child);
        // It may have ended by itself.
        let _told = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

/// Runs the program in the test's place, so that its process is the one that is ended.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"])
        .arg(program)
        .current_dir("/");
    command
}

/// Where Debian's package puts its programs, of the newest version.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let mut found: Vec<PathBuf> = versions
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path().join("bin"))
        .filter(|path| path.join("initdb").exists())
        .collect();
    found.sort();
    found
        .pop()
        .expect("PostgreSQL's server is not installed: apt-get install postgresql")
}

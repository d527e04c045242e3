//! A temporary PostgreSQL cluster for one test binary, gone when its process is.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use super::requirements;

/// A new, empty database; `None` where no server programs are found.
pub fn database() -> Option<String> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let cluster = CLUSTER.get_or_init(Cluster::start).as_ref()?;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::SeqCst));
    let mut conn = PgConnection::establish(&cluster.url("postgres")).expect("the cluster answers");
    conn.batch_execute(&format!("CREATE DATABASE {name}"))
        .expect("a database is made");
    Some(cluster.url(&name))
}

struct Cluster {
    port: u16,
    /// Ends the server and removes its files when its standard input closes, however we end.
    _guard: Child,
}

impl Cluster {
    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            requirements::missing("postgres", "no initdb and postgres found");
            return None;
        };
        let folder = tempfile::Builder::new()
            .prefix("kiosque-pg-")
            .tempdir()
            .expect("a folder is made")
            .keep();
        let data = folder.join("data");
        let user = unprivileged_user(&folder);
        let port = free_port();
        let log = folder.join("log");
        let guard = guard(&programs, &folder, user.as_deref());
        let as_user = |program: &str| {
            let program = programs.join(program);
            let mut command = match &user {
                Some(user) => {
                    let mut command = Command::new("runuser");
                    command.args(["-u", user, "--"]).arg(program);
                    command
                }
                None => Command::new(program),
            };
            command.current_dir(&folder).stdin(Stdio::null());
            command
        };
        must_run(
            as_user("initdb")
                .args([
                    "--no-sync",
                    "-U",
                    "kiosque",
                    "-A",
                    "trust",
                    "-E",
                    "UTF8",
                    "--locale=C",
                    "-D",
                ])
                .arg(&data),
        );
        let settings = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off \
             -c max_connections=200 -c shared_buffers=32MB"
        );
        must_run(
            as_user("pg_ctl")
                .args(["-w", "-t", "60", "-o", &settings, "-l"])
                .arg(&log)
                .arg("-D")
                .arg(&data)
                .arg("start")
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        );
        Some(Self {
            port,
            _guard: guard,
        })
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://kiosque@127.0.0.1:{}/{database}", self.port)
    }
}

/// The folder of the server programs: on the path, or where distributions put them.
fn programs() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    versions.sort();
    folders.extend(versions.into_iter().rev());
    folders.push(PathBuf::from("/usr/local/pgsql/bin"));
    // A link may stand alone on the path; the programs themselves stand together.
    let real = folders
        .into_iter()
        .filter_map(|folder| fs::canonicalize(folder.join("initdb")).ok());
    real.filter_map(|initdb| initdb.parent().map(Path::to_path_buf))
        .find(|folder| folder.join("postgres").exists() && folder.join("pg_ctl").exists())
}

/// PostgreSQL refuses to run as root: then another user owns the folder.
fn unprivileged_user(folder: &Path) -> Option<String> {
    let id = Command::new("id").arg("-u").output().ok()?;
    if String::from_utf8_lossy(&id.stdout).trim() != "0" {
        return None;
    }
    let known = |user: &&str| {
        let found = Command::new("id")
            .arg(user)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        found.is_ok_and(|status| status.success())
    };
    let user = ["postgres", "nobody"].iter().find(|user| known(user))?;
    must_run(Command::new("chown").arg("-R").arg(user).arg(folder));
    Some((*user).to_owned())
}

fn guard(programs: &Path, folder: &Path, user: Option<&str>) -> Child {
    let stop = match user {
        Some(user) => format!("runuser -u {user} -- "),
        None => String::new(),
    };
    let script = format!(
        "cat > /dev/null; {stop}'{}' -D '{}' -m immediate stop > /dev/null 2>&1; rm -rf '{}'",
        programs.join("pg_ctl").display(),
        folder.join("data").display(),
        folder.display(),
    );
    // A group of its own, so that what interrupts the tests does not interrupt the clean-up.
    let mut command = Command::new("sh");
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell runs")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

fn must_run(command: &mut Command) {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut said = String::new();
    // The server keeps what it inherits open; only a failure is waited for to the end.
    let status = child.wait().expect("it ends");
    if !status.success() {
        let stderr = child.stderr.take().expect("it is piped");
        let _ = stderr.take(4_000).read_to_string(&mut said);
        panic!("{command:?} failed: {said}");
    }
}

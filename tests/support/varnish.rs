//! Varnish before a test's server, by the sample configuration; gone with the test.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::client::{self, Reply};
use super::requirements;

const PATIENCE: Duration = Duration::from_secs(60);

/// A place for it, which a server may be told of before it runs.
pub struct Place {
    program: PathBuf,
    address: SocketAddr,
}

pub struct Varnish {
    base: String,
    process: Child,
    _folder: TempDir,
}

impl Place {
    /// `None` where it is not installed, which is told.
    pub fn find() -> Option<Self> {
        let on_path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&on_path).chain([PathBuf::from("/usr/sbin")]);
        let program = folders
            .map(|folder| folder.join("varnishd"))
            .find(|program| program.exists());
        let Some(program) = program else {
            requirements::missing("varnish", "no varnishd found");
            return None;
        };
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        Some(Self { program, address })
    }

    pub fn purge_url(&self) -> String {
        format!("http://{}/_purge", self.address)
    }

    /// Starts it before the server at `base`.
    pub fn start(&self, base: &str) -> Varnish {
        let folder = tempfile::tempdir().expect("a folder is made");
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/varnish.vcl");
        let sample = std::fs::read_to_string(sample).expect("the sample is there");
        let port = base.rsplit(':').next().expect("the server has a port");
        let configured = sample.replace("\"8080\"", &format!("{port:?}"));
        assert!(configured.contains(port), "the sample names a port");
        let file = folder.path().join("varnish.vcl");
        std::fs::write(&file, configured).expect("the file is written");
        // As one that is being debugged it ends when its standard input does, however we end.
        let mut process = Command::new(&self.program)
            .args(["-d", "-j", "none", "-s", "malloc,64m", "-a"])
            .arg(self.address.to_string())
            .arg("-n")
            .arg(folder.path())
            .arg("-f")
            .arg(&file)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("varnishd starts");
        let stdin = process.stdin.as_mut().expect("it is piped");
        stdin.write_all(b"start\n").expect("it listens");
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            assert!(Instant::now() < deadline, "varnishd does not answer");
            thread::sleep(Duration::from_millis(50));
        }
        Varnish {
            base: format!("http://{}", self.address),
            process,
            _folder: folder,
        }
    }
}

impl Varnish {
    pub fn get(&self, path: &str) -> Reply {
        client::send("GET", &format!("{}{path}", self.base), &[], None)
    }

    pub fn base(&self) -> &str {
        &self.base
    }
}

/// Whether it gave what it had kept: it then names two requests, this one and the one that it was kept of.
pub fn is_hit(reply: &Reply) -> bool {
    reply.header("x-varnish").contains(' ')
}

impl Drop for Varnish {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

//! Rows that are fetched: from a folder, and from a real PostgreSQL server where there is one.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use super::harness::{Folder, Program, bellbuoy, free_port, wait_for};
use super::tls::CA;

const PASSWORD: &str = "s3cret-of-bell";
const REFERENCE: &str = "temp,weather,bikers\n0.1,clear,10\n0.2,rain,20\n0.3,clear,30\n0.4,rain,40\n";

fn model(lines: &str) -> String {
    let lines = lines.replace('\n', "\n  ");
    format!("models:\n- name: bike\n  target: bikers\n  rows_min: 2\n  window_rows: 1000\n  {lines}\n")
}

/// The sources of the model as the API tells them.
fn sources(program: &Program) -> Vec<Value> {
    program.data("/api/v1/models/bike")["sources"].as_array().cloned().unwrap_or_default()
}

fn source(program: &Program, gives: &str) -> Value {
    sources(program).into_iter().find(|source| source["gives"] == gives).unwrap_or_default()
}

/// Waits until a source has handed over so many rows and its look has ended: rows count while it goes on, all else at its end.
fn wait_rows(program: &Program, gives: &str, rows: u64) -> Value {
    let first = wait_for("rows of a source", || Some(source(program, gives)).filter(|source| source["rows"] == rows));
    let ended = |now: &Value| now["up"] == true && now["lastLook"] != first["lastLook"];
    wait_for("the end of a look", || Some(source(program, gives)).filter(ended))
}

#[test]
fn a_folder_of_files() {
    let folder = Folder::new(&[
        (
            "bellbuoy.yml",
            &model(
                "reference: reference.csv\npredictions: {folder: {path: said, prediction: y_hat, quiet: 0s, poll: 1s}}\nlabels: {folder: {path: truths, quiet: 0s, poll: 1s}}",
            ),
        ),
        ("reference.csv", REFERENCE),
        ("said/1.csv", "id,ts,y_hat,temp,weather\n01,2024-05-01 10:00:00,11,0.1,clear\n02,2024-05-01 11:00:00,x,0.1,clear\n"),
        ("truths/1.jsonl", "{\"id\": \"01\", \"bikers\": 10}\n"),
        ("truths/2.csv", "id,bikers\n02\n"),
    ]);
    let program = Program::up(&folder);
    let said = wait_rows(&program, "predictions", 1);
    assert_eq!((&said["up"], &said["refused"], &said["files"]), (&Value::from(true), &Value::from(1), &Value::from(1)));
    assert!(said["refusedRows"][0].as_str().is_some_and(|reason| reason.contains("\"02\"") && reason.contains("prediction")), "{said}");
    let truths = wait_rows(&program, "labels", 1);
    assert_eq!(truths["filesBad"][0]["file"], "2.csv");
    assert_eq!(truths["filesBad"][0]["reason"], "line 2 has 1 cells, the header has 2");
    folder.write("truths/2.csv", "id,bikers\n02,20\n03,30\n");
    let truths = wait_rows(&program, "labels", 3);
    assert_eq!(truths["filesBad"], Value::Array(Vec::new()));
    let series = |name: &str| program.query(name).into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    wait_for("the series", || Some(()).filter(|()| series("bellbuoy_model_source_rows_total{gives=\"labels\"}") == ["3"]));
    assert_eq!(series("bellbuoy_model_source_up"), ["1", "1"]);
    // What was read is not read again after a restart, and a folder that is gone is told.
    program.kill();
    std::fs::remove_dir_all(folder.config().join("said")).expect("removed");
    let program = Program::up(&folder);
    let said = wait_for("a failed look", || Some(source(&program, "predictions")).filter(|source| source["up"] == false));
    assert!(said["error"].as_str().is_some_and(|error| error.contains("No such file")), "{said}");
    let truths = wait_for("a look", || Some(source(&program, "labels")).filter(|source| source["up"] == true));
    assert_eq!((&truths["rows"], &truths["repeated"], &truths["files"]), (&Value::from(0), &Value::from(0), &Value::from(2)));
}

/// A PostgreSQL server of its own, with TLS, gone with its test.
struct Database {
    dir: PathBuf,
    bin: PathBuf,
    port: u16,
}

static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// Where the server's programs are.
fn programs() -> Option<PathBuf> {
    let has_all = |dir: &PathBuf| ["initdb", "pg_ctl", "psql"].iter().all(|name| dir.join(name).exists());
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    installed.chain(std::env::split_paths(&path)).find(has_all)
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The server does not run as root.
fn command(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

fn done(mut command: Command) -> Option<Output> {
    command.output().ok().filter(|output| output.status.success())
}

impl Database {
    /// `None`, said on the terminal, where no server can be started.
    fn start() -> Option<Database> {
        let started = Database::try_start();
        if started.is_none() {
            eprintln!("skipped: no PostgreSQL server can be started here");
        }
        started
    }

    fn try_start() -> Option<Database> {
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("bellbuoy-pg-{}-{number}", std::process::id()));
        let database = Database { bin: programs()?, port: free_port(), dir };
        let (dir, data) = (&database.dir, database.dir.join("data"));
        std::fs::create_dir_all(dir).ok()?;
        std::fs::write(dir.join("password"), PASSWORD).ok()?;
        std::fs::write(dir.join("server.pem"), include_str!("certs/server.pem")).ok()?;
        std::fs::write(dir.join("server.key"), include_str!("certs/server.key")).ok()?;
        let mut chmod = Command::new("chmod");
        chmod.arg("600").arg(dir.join("server.key"));
        done(chmod)?;
        if is_root() {
            let mut chown = Command::new("chown");
            chown.args(["-R", "postgres"]).arg(dir);
            done(chown)?;
        }
        let mut initdb = command(&database.bin.join("initdb"));
        initdb.arg("-D").arg(&data).args(["-A", "scram-sha-256", "-U", "bell", "--no-sync", "--locale=C", "--encoding=UTF8", "--pwfile"]);
        initdb.arg(dir.join("password"));
        done(initdb)?;
        let file = |name: &str| dir.join(name).display().to_string();
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off -c ssl=on -c ssl_cert_file={} -c ssl_key_file={}",
            database.port,
            dir.display(),
            file("server.pem"),
            file("server.key")
        );
        let mut start = command(&database.bin.join("pg_ctl"));
        // Its children keep what they inherit, so nothing is piped to them.
        start.arg("-D").arg(&data).args(["-w", "-l"]).arg(dir.join("log")).args(["-o", &options, "start"]);
        start.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        start.status().ok().filter(std::process::ExitStatus::success)?;
        Some(database)
    }

    fn sql(&self, text: &str) -> String {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.env("PGPASSWORD", PASSWORD).args(["-h", "127.0.0.1", "-U", "bell", "-d", "postgres", "-At", "-v", "ON_ERROR_STOP=1"]);
        let output = psql.args(["-p", &self.port.to_string(), "-c", text]).output().expect("psql runs");
        assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn stop(&self) {
        let mut stop = command(&self.bin.join("pg_ctl"));
        stop.arg("-D").arg(self.dir.join("data")).args(["-m", "immediate", "-w", "stop"]);
        let _ = stop.output();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

#[test]
fn tables_of_postgresql() {
    let Some(database) = Database::start() else { return };
    let address = format!("host: 127.0.0.1, port: {}, database: postgres, user: bell, password_file: password", database.port);
    database
        .sql("CREATE TABLE training AS SELECT n / 100.0::float8 AS temp, 'clear' AS weather, n AS bikers FROM generate_series(1, 100) n");
    database.sql("CREATE SCHEMA live; CREATE TABLE live.\"Said\" (key int, at timestamptz, y_hat float8, temp real, weather text)");
    database.sql("INSERT INTO live.\"Said\" SELECT n, '2024-05-01'::timestamptz + n * interval '1 minute', n, n / 300.0, 'rain' FROM generate_series(1, 300) n");
    database.sql("CREATE TABLE truths (id text, bikers numeric, updated_at timestamp)");
    // All written at one time: a page must not stop at it.
    database.sql("INSERT INTO truths SELECT n::text, n + 1, '2024-05-02' FROM generate_series(1, 250) n");
    let folder = Folder::new(&[
        (
            "bellbuoy.yml",
            &model(&format!(
                "reference: {{sql: {{{address}, query: SELECT * FROM training -- all of it}}}}\npredictions: {{postgres: {{{address}, sslmode: verify-full, ca_file: ca.pem, table: live.Said, id: key, time: at, prediction: y_hat, poll: 1s, batch_rows: 100}}}}\nlabels: {{postgres: {{{address}, query: 'SELECT * FROM truths', updated: updated_at, overlap: 0s, poll: 1s, batch_rows: 100}}}}"
            )),
        ),
        ("password", &format!("{PASSWORD}\n")),
        ("ca.pem", CA),
    ]);
    let program = Program::up(&folder);
    let said = wait_rows(&program, "predictions", 300);
    assert_eq!((&said["up"], &said["refused"]), (&Value::from(true), &Value::from(0)), "{said}");
    wait_rows(&program, "labels", 250);
    let encrypted = "SELECT count(*) > 0 FROM pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE application_name = 'bellbuoy' AND ssl";
    assert_eq!(database.sql(encrypted), "t");
    // New rows and a corrected one.
    database.sql("INSERT INTO live.\"Said\" VALUES (301, '2024-05-01 06:00Z', 5, 0.5, NULL)");
    database.sql("UPDATE truths SET bikers = 7, updated_at = '2024-05-03' WHERE id = '1'");
    wait_rows(&program, "predictions", 301);
    wait_rows(&program, "labels", 251);
    program.kill();
    // The mark survives: only rows of the newest time are looked at again.
    let program = Program::up(&folder);
    let truths = wait_for("a look", || Some(source(&program, "labels")).filter(|source| source["up"] == true));
    assert_eq!((&truths["rows"], &truths["repeated"]), (&Value::from(0), &Value::from(1)), "{truths}");
    assert_eq!(truths["watermark"], "2024-05-03 00:00:00");
    // A wrong password is told without it; the reference is not asked for again.
    folder.write("password", "wr0ng-password\n");
    let (status, body) = program.post("/-/reload", "");
    assert_eq!(status, 200, "{body}");
    let said = wait_for("a refusal", || Some(source(&program, "predictions")).filter(|source| source["up"] == false));
    assert_eq!(said["error"], "password authentication failed for user \"bell\"");
    let everything = program.get("/api/v1/models/bike").1 + &program.get("/status").1 + &program.get("/api/v1/status/config").1;
    assert!(!everything.contains("wr0ng-password") && !everything.contains(PASSWORD));
    wait_for("the series", || Some(()).filter(|()| program.query("bellbuoy_model_source_up == 0").len() == 2));
    database.stop();
    let gone = || Some(source(&program, "labels")).filter(|source| source["error"].as_str().is_some_and(|error| error.contains("connect")));
    folder.write("password", &format!("{PASSWORD}\n"));
    assert_eq!(program.post("/-/reload", "").0, 200);
    wait_for("a database that is gone", gone);
    // A start without the database has the reference of the last one, and says so; another query it does not have.
    let judged = |program: &Program| {
        assert_eq!(program.post("/api/v1/models/bike/judge", "").0, 200);
        program.query("bellbuoy_model_feature_drift_score")
    };
    let before = judged(&program);
    assert!(!before.is_empty());
    program.kill();
    let program = Program::up(&folder);
    assert_eq!(judged(&program), before);
    let config = std::fs::read_to_string(folder.config().join("bellbuoy.yml")).expect("ours");
    folder.write("bellbuoy.yml", &config.replace("SELECT * FROM training", "SELECT temp FROM training"));
    let (status, body) = program.post("/-/reload", "");
    assert!(status == 500 && body.contains("the database: "), "{status} {body}");
}

#[test]
fn check_holds_the_settings_against_a_query() {
    let Some(database) = Database::start() else { return };
    database.sql("CREATE TABLE training AS SELECT n AS temp, 'clear' AS weather, n AS bikers FROM generate_series(1, 100) n");
    let check = |sql: &str, lines: &str| {
        let address = format!("url: \"postgres://bell:{PASSWORD}@127.0.0.1:{}/postgres?sslmode=require\"", database.port);
        let folder = Folder::new(&[("bellbuoy.yml", &model(&format!("reference: {{sql: {{{address}, {sql}}}}}\n{lines}")))]);
        let output = bellbuoy().args(["check", "--level", "error"]).arg(folder.config()).output().expect("it runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(!text.contains(PASSWORD), "{text}");
        (output.status.success(), text.replace(&format!("{}/", folder.config().display()), ""))
    };
    let (good, text) = check("table: training", "features: [temp, weather]");
    assert!(good, "{text}");
    let (good, text) = check("table: training", "features: [tmep, weather]");
    assert!(!good && text.contains("bellbuoy.yml:7:14: the reference has no column \"tmep\""), "{text}");
    let (good, text) = check("table: trainings", "features: [temp]");
    assert!(!good && text.contains("bellbuoy.yml:6:14: the database: relation \"trainings\" does not exist"), "{text}");
    let (good, text) = check("query: SELECT pg_sleep(30), timeout: 1s", "features: [temp]");
    assert!(!good && text.contains("the database: canceling statement due to statement timeout"), "{text}");
    let (good, text) = check("query: \"SELECT 1 AS a; DROP TABLE training\"", "");
    assert!(!good && text.contains("a \"query\" is one statement"), "{text}");
    let (good, text) = check("query: \"WITH gone AS (DELETE FROM training RETURNING *) SELECT * FROM gone\"", "");
    assert!(!good, "{text}");
    assert_eq!(database.sql("SELECT count(*) FROM training"), "100");
}

//! Workers against a real LiveKit server.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::worker_rig::{KEY, LiveKit, SECRET, entry, options, start, until, until_figures};
use duologue_room::ErrorKind;
use duologue_room::token::Access;
use duologue_room::worker::{Accept, Worker, WorkerOptions};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[tokio::test(flavor = "multi_thread")]
async fn a_dispatched_job_is_not_lost_and_its_end_is_told() {
    let Some(server) = LiveKit::start().await else { return };
    let mut worker = start(server.access(), options("cook")).await;
    let rooms = server.dispatch("cook", 1, "{\"floor\": 2}").await;
    until_figures(&worker, "the job runs", |figures| figures.active == 1).await;

    let api = server.api();
    until("the server lists the job", async || api.jobs(&rooms[0]).await.unwrap().len() == 1).await;
    let job = api.jobs(&rooms[0]).await.unwrap().remove(0);
    assert_eq!((job.agent_name.as_str(), job.status.as_str()), ("cook", "JS_RUNNING"));

    api.withdraw(&rooms[0], &job.dispatch_id).await.unwrap();
    until_figures(&worker, "the job was told to end", |figures| figures.succeeded == 1).await;
    worker.drain().await;
    worker.finished().await.unwrap();
    assert!(!server.log().contains("unable to handle worker signal"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_room_does_not_stay_without_its_agent() {
    let Some(server) = LiveKit::start().await else { return };
    let wanted = |job: &duologue_room::worker::Job| (job.room != "private").then(Accept::default);
    let worker = Worker::builder(server.access(), options("")).on_request(wanted).entrypoint(entry);
    let worker = worker.start().await.unwrap();
    until_figures(&worker, "the worker is registered", |figures| figures.online).await;
    server.api().create_room("public").await.unwrap();
    server.api().create_room("private").await.unwrap();
    until_figures(&worker, "one job runs, one is declined", |figures| {
        (figures.active, figures.refused) == (1, 1)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_jobs_at_once_do_not_overrun_a_limit_of_five() {
    let Some(server) = LiveKit::start().await else { return };
    let worker = start(server.access(), WorkerOptions { job_limit: 5, ..options("cook") }).await;
    let rooms = server.dispatch("cook", 20, "").await;
    until_figures(&worker, "five run", |figures| figures.active == 5).await;
    // The server asks a worker that is full no more; until then each offer has its answer.
    until("the server is done with all", async || {
        let log = server.log();
        let given_up = |line: &&str| line.contains("failed to send job request") && line.contains("\"cook\"");
        let declined = log.lines().filter(given_up).count();
        let assigned = log.lines().filter(|line| line.contains("assigned job to worker")).count();
        (assigned, declined) == (5, 15)
    })
    .await;
    let figures = worker.figures();
    assert_eq!((figures.active, figures.started), (5, 5), "{figures:?}");
    let api = server.api();
    until("the server's view is the same", async || {
        let mut running = 0;
        for room in &rooms {
            running += api.jobs(room).await.unwrap().len();
        }
        running == 5
    })
    .await;
    // A place that is free again is taken again.
    let ended = async || {
        for room in &rooms {
            if let Some(job) = server.api().jobs(room).await.unwrap().first() {
                return server.api().withdraw(room, &job.dispatch_id).await.unwrap();
            }
        }
    };
    ended().await;
    until_figures(&worker, "four run", |figures| figures.active == 4).await;
    server.dispatch("cook", 1, "").await;
    until_figures(&worker, "five run again", |figures| figures.active == 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_panics_takes_no_other_along() {
    let Some(server) = LiveKit::start().await else { return };
    let worker = start(server.access(), options("cook")).await;
    server.dispatch("cook", 2, "").await;
    until_figures(&worker, "two run", |figures| figures.active == 2).await;
    server.dispatch("cook", 1, "panic").await;
    server.dispatch("cook", 1, "fail").await;
    until_figures(&worker, "two failed", |figures| figures.failed == 2).await;
    until("the server knows why", async || {
        let log = server.log();
        log.contains("the job panicked: on purpose") && log.contains("no voice")
    })
    .await;
    assert_eq!(worker.figures().active, 2);
    assert_eq!(server.ended("JS_FAILED"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_told_clearly() {
    let Some(server) = LiveKit::start().await else { return };
    let access = Access::new(server.access().url(), KEY, "another-another-another-another-another").unwrap();
    let mut worker = Worker::builder(access, options("cook")).entrypoint(entry).start().await.unwrap();
    let error = worker.finished().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
    let text = error.to_string();
    assert!(
        text.contains("401") && text.contains("LIVEKIT_API_SECRET") && !text.contains("another"),
        "{text}"
    );

    let access = Access::new(server.access().url(), "nokey", SECRET).unwrap();
    let error = duologue_room::dispatch::Server::new(&access).rooms().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_ends_no_job() {
    let Some(server) = LiveKit::start().await else { return };
    let line = Line::to(server.port()).await;
    let access = Access::new(format!("ws://127.0.0.1:{}", line.port), KEY, SECRET).unwrap();
    let mut worker = start(access, options("cook")).await;
    server.dispatch("cook", 2, "").await;
    until_figures(&worker, "two run", |figures| figures.active == 2).await;
    line.cut.send_replace(());
    until_figures(&worker, "the worker is back", |figures| figures.reconnects >= 1 && figures.online).await;
    assert_eq!((worker.figures().active, worker.figures().failed), (2, 0));
    server.dispatch("cook", 1, "").await;
    until_figures(&worker, "three run", |figures| figures.active == 3).await;
    worker.quit().await;
    worker.finished().await.unwrap();
    assert_eq!(worker.figures().succeeded, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_mid_dispatch_ends_no_job() {
    let Some(mut server) = LiveKit::start().await else { return };
    let worker = start(server.access(), options("cook")).await;
    server.dispatch("cook", 3, "").await;
    until_figures(&worker, "three run", |figures| figures.active == 3).await;
    let before = worker.figures().started;
    // Offers and promises are on their way when it dies.
    let api = server.api();
    let sending = Arc::new(AtomicBool::new(true));
    let storm = {
        let sending = Arc::clone(&sending);
        tokio::spawn(async move {
            let mut room = 0;
            while sending.load(Ordering::Relaxed) {
                room += 1;
                let _ = api.dispatch(&format!("storm-{room}"), "cook", "").await;
            }
        })
    };
    until_figures(&worker, "the storm has begun", |figures| figures.started > before + 3).await;
    server.kill();
    sending.store(false, Ordering::Relaxed);
    storm.await.unwrap();
    until_figures(&worker, "the worker has noticed", |figures| !figures.online).await;
    let started = worker.figures().started;
    server.restart().await;
    until_figures(&worker, "the worker is back", |figures| figures.online).await;
    let figures = worker.figures();
    assert_eq!(
        (figures.active as u64, figures.failed),
        (started, 0),
        "every started job runs on: {figures:?}"
    );
    server.dispatch("cook", 1, "").await;
    until_figures(&worker, "the new server's job runs", |figures| figures.started == started + 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_local_http_server_does_not_lie() {
    let Some(server) = LiveKit::start().await else { return };
    let worker = start(server.access(), options("cook")).await;
    server.dispatch("cook", 1, "").await;
    until_figures(&worker, "the job runs", |figures| figures.active == 1).await;
    let (status, body) = get(&worker, "/").await;
    assert!(status.contains("200") && body == "OK", "{status} {body}");
    let (_, body) = get(&worker, "/worker").await;
    let shown: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&shown["agent_name"], &shown["active_jobs"]), (&"cook".into(), &1.into()), "{body}");
    assert_eq!(shown["worker_type"], "JT_ROOM");
    let (_, body) = get(&worker, "/metrics").await;
    assert!(body.contains("duologue_worker_jobs_active{agent=\"cook\"} 1\n"), "{body}");

    let nowhere = Access::new("ws://127.0.0.1:1", KEY, SECRET).unwrap();
    let lost = Worker::builder(nowhere, options("cook")).entrypoint(entry).start().await.unwrap();
    let (status, body) = get(&lost, "/").await;
    assert!(status.contains("503"), "{status} {body}");
}

async fn get(worker: &duologue_room::worker::Running, path: &str) -> (String, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = TcpStream::connect(worker.http_address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

/// A line to a server, which can be cut: everything that goes over it then breaks.
struct Line {
    port: u16,
    cut: watch::Sender<()>,
}

impl Line {
    async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let line = Self { port: listener.local_addr().unwrap().port(), cut: watch::Sender::new(()) };
        let cut = line.cut.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cut = cut.subscribe();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        line
    }
}

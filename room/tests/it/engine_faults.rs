//! What goes wrong with tokens, servers and listeners, and that nothing is left behind.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::common::{Grant, PATIENCE, Server, engine, room_name, until};
use duologue_room::{
    ErrorKind,
    engine::{AudioTrackOptions, ConnectOptions, DisconnectReason, Disturbance, RoomEvent},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_token_is_called_one() {
    let Some(server) = Server::get() else { return };
    let room = room_name("tokens");
    let expired = server.token_for(&Grant { identity: "a", room: &room, valid: -1_800, kind: None });
    let other = Server { secret: "another-secret-another-secret-another".to_owned(), ..server.clone() };
    let stranger = Server { key: "nobody".to_owned(), ..server.clone() };
    for (what, token) in [
        ("expired", expired),
        ("another secret", other.token("a", &room)),
        ("another key", stranger.token("a", &room)),
        ("no token", "a.b.c".to_owned()),
    ] {
        let error = engine().connect(&server.url, &token, &ConnectOptions::default()).await.unwrap_err();
        println!("{what}: {error}");
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{what}: {error}");
        assert!(!error.to_string().contains(&token), "the token is in the message");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn absent_server_is_a_network_error() {
    if Server::get().is_none() {
        return;
    }
    let nobody = Server { url: "ws://127.0.0.1:9".into(), key: "k".into(), secret: "s".into() };
    let options = ConnectOptions::default().with_timeout(Duration::from_secs(5)).with_retries(0);
    let error = engine().connect(&nobody.url, &nobody.token("a", "r"), &options).await.unwrap_err();
    println!("{error}");
    assert!(matches!(error.kind(), ErrorKind::Network | ErrorKind::TimedOut), "{error}");
    assert!(error.to_string().contains("127.0.0.1:9"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn room_that_is_over_says_so() {
    let Some(server) = Server::get() else { return };
    let (room, mut events) = server.join("a", &room_name("over")).await;
    let track = room.publish_audio(&AudioTrackOptions::default()).await.unwrap();
    room.disconnect().await.unwrap();
    room.disconnect().await.unwrap();
    let reason = until(&mut events, "the end", |event| match event {
        RoomEvent::Disconnected(reason) => Some(reason),
        _ => None,
    })
    .await;
    assert_eq!(reason, DisconnectReason::ClientInitiated);
    assert_eq!(events.next().await, None);
    for error in [
        room.publish_data(b"x", None, true, &[]).await.unwrap_err(),
        room.set_metadata("x").await.unwrap_err(),
        room.send_text("x", &Default::default()).await.unwrap_err(),
        track.write(&[0; 480]).await.unwrap_err(),
        track.clear().unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_of_one_identity_ends_the_first() {
    let Some(server) = Server::get() else { return };
    let name = room_name("twice");
    let (_first, mut events) = server.join("a", &name).await;
    let (second, _told) = server.join("a", &name).await;
    let reason = until(&mut events, "the end", |event| match event {
        RoomEvent::Disconnected(reason) => Some(reason),
        _ => None,
    })
    .await;
    assert_eq!(reason, DisconnectReason::DuplicateIdentity);
    second.disconnect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_signal_connection_is_mended() {
    let Some(server) = Server::get() else { return };
    let name = room_name("signal");
    let (a, mut told) = server.join("a", &name).await;
    let (b, mut events) = server.join("b", &name).await;
    a.disturb(Disturbance::Signal).await.unwrap();
    until(&mut told, "the mending", |event| matches!(event, RoomEvent::Reconnected).then_some(())).await;
    a.publish_data(b"still here", None, true, &[]).await.unwrap();
    until(&mut events, "the data", |event| matches!(event, RoomEvent::Data { .. }).then_some(())).await;
    a.disconnect().await.unwrap();
    b.disconnect().await.unwrap();
}

/// A server of this test's own, to be killed.
struct OwnServer(Child, Server);

impl OwnServer {
    fn start(port: u16) -> Option<Self> {
        let Some(program) = std::env::var_os("LIVEKIT_TEST_SERVER") else {
            eprintln!("SKIPPED: LIVEKIT_TEST_SERVER names no server program");
            return None;
        };
        let secret = "own-secret-own-secret-own-secret-own";
        let config = format!(
            "port: {port}\nbind_addresses: [\"127.0.0.1\"]\nkeys: {{ own: \"{secret}\" }}\nrtc: {{ node_ip: 127.0.0.1, tcp_port: {}, \
             udp_port: {}, use_external_ip: false, enable_loopback_candidate: true, interfaces: {{ includes: [lo] }} }}\n",
            port + 1,
            port + 2
        );
        let child = Command::new(program)
            .args(["--config-body", &config])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server =
            Server { url: format!("ws://127.0.0.1:{port}"), key: "own".into(), secret: secret.into() };
        let this = Self(child, server);
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(this);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server did not start");
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    // Three in a row; the two after it are almost surely free where the first is.
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() & !3
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_server_ends_the_room_and_hangs_nobody() {
    let Some(own) = OwnServer::start(free_port()) else { return };
    let (room, mut events) = own.1.join("a", "killed").await;
    let track = room.publish_audio(&AudioTrackOptions::default()).await.unwrap();
    drop(own);
    until(&mut events, "the loss", |event| {
        matches!(event, RoomEvent::Reconnecting | RoomEvent::Disconnected(_)).then_some(())
    })
    .await;
    // Sound and leaving must come back, whatever they say.
    let _ = tokio::time::timeout(PATIENCE, track.write(&[0; 480])).await.unwrap();
    tokio::time::timeout(PATIENCE, room.disconnect()).await.unwrap().unwrap();
    let end = async { while events.next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, end).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn joining_that_was_given_up_leaves_nobody_in_the_room() {
    let Some(server) = Server::get() else { return };
    let name = room_name("given-up");
    let (watcher, mut events) = server.join("watcher", &name).await;
    for wait in [1, 20, 60, 100] {
        let (token, options) = (server.token("ghost", &name), ConnectOptions::default());
        let joining = engine().connect(&server.url, &token, &options);
        let _ = tokio::time::timeout(Duration::from_millis(wait), joining).await;
    }
    let (last, _told) = server.join("last", &name).await;
    until(&mut events, "the last one", |event| match event {
        RoomEvent::ParticipantJoined(p) => (p.identity == "last").then_some(()),
        _ => None,
    })
    .await;
    for _ in 0..100 {
        if watcher.participants().iter().all(|p| p.identity != "ghost") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let left: Vec<_> = watcher.participants().into_iter().map(|p| p.identity).collect();
    assert_eq!(left, ["last"]);
    last.disconnect().await.unwrap();
    watcher.disconnect().await.unwrap();
}

/// Resident memory of this process in kB and its number of threads and open files.
#[cfg(target_os = "linux")]
fn usage() -> (u64, usize, usize) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let number = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()
    };
    let files = std::fs::read_dir("/proc/self/fd").unwrap().count();
    (number("VmRSS:"), usize::try_from(number("Threads:")).unwrap(), files)
}

/// Waits until the engine has let go of the rooms that were left, which takes it some ten seconds.
#[cfg(target_os = "linux")]
async fn settled(threads: usize) -> (u64, usize, usize) {
    for _ in 0..120 {
        if usage().1 <= threads {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    usage()
}

/// Joins, publishes and leaves, `DUOLOGUE_TEST_JOINS` times (200) in four rounds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute; .ci/run asks for it"]
#[cfg(target_os = "linux")]
async fn joining_and_leaving_does_not_make_it_grow() {
    use std::time::Instant;

    let Some(server) = Server::get() else { return };
    let joins = std::env::var("DUOLOGUE_TEST_JOINS").ok().and_then(|n| n.parse().ok()).unwrap_or(200_u32);
    let (start, before) = (Instant::now(), usage());
    engine();
    println!(
        "loading took {:.0} ms; before {before:?}, after {:?}",
        start.elapsed().as_secs_f64() * 1e3,
        usage()
    );
    let (mut joining, mut publishing) = (Duration::ZERO, Duration::ZERO);
    let (mut seen, mut peak) = (Vec::new(), 0);
    for round in 0..4 {
        for n in 0..joins.div_ceil(4) {
            let start = Instant::now();
            let (room, events) = server.join("a", &room_name(&format!("grow{}", n % 7))).await;
            joining += start.elapsed();
            let start = Instant::now();
            let track = room.publish_audio(&AudioTrackOptions::default()).await.unwrap();
            publishing += start.elapsed();
            for _ in 0..5 {
                track.write(&[100; 480]).await.unwrap();
            }
            // A busy server may be late with its answer; that is not what is looked at here.
            if let Err(error) = room.set_attributes(&[("n".to_owned(), n.to_string())].into()).await {
                assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
                println!("{error}");
            }
            room.send_text("hello", &Default::default()).await.unwrap();
            room.disconnect().await.unwrap();
            drop((track, room, events));
            peak = peak.max(usage().0);
        }
        seen.push(settled(before.1 + 10).await);
        println!("kB, threads, files after round {round}: {:?}", seen[round]);
    }
    let mean = |d: Duration| d.as_secs_f64() * 1e3 / f64::from(joins.div_ceil(4) * 4);
    println!(
        "joining {:.0} ms, publishing {:.0} ms in the mean; peak {peak} kB",
        mean(joining),
        mean(publishing)
    );
    // The first rounds fill the allocator's pools.
    let (early, last) = (seen[1], seen[3]);
    assert!(last.0 < early.0 + early.0 / 8, "memory grew from {} to {} kB", early.0, last.0);
    assert!(last.1 <= before.1 + 10, "threads stay: {seen:?}");
    assert!(last.2 <= seen[0].2 + 4, "files stay open: {seen:?}");
}

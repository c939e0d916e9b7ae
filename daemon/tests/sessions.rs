//! Sessions and the engine with a stand-in for the model, where patience can be short, work can be
//! slow on purpose, and the model can fail.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_precision_loss,
    reason = "helpers of tests"
)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use gte_daemon::engine::{self, Embed, EmbedError, Engine, Tokenize, TokenizeError, Tokens};
use gte_daemon::serve::{self, Loaded, Models, Service};
use gte_shared::client::{ClientError, Link, Start};
use gte_shared::endpoint::Endpoint;
use gte_shared::wire::codec::{decode, encode};
use gte_shared::wire::{
    ErrorCode, ErrorReply, Hello, MAGIC, ModelCard, PROTOCOL, Pooling, Precision, ReplyEnvelope,
    TextInfo, Welcome,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// One token a character.
struct Characters;

impl Tokenize for Characters {
    fn tokenize(&self, text: &str) -> Result<Tokens, TokenizeError> {
        if text.is_empty() {
            return Err(TokenizeError::Blank);
        }
        let ids: Arc<[u32]> = text.chars().map(u32::from).collect();
        let tokens = u32::try_from(ids.len()).unwrap();
        Ok(Tokens {
            ids,
            info: TextInfo {
                tokens,
                truncated: false,
            },
        })
    }
}

/// A vector that says what the first character was. Fails on `!`, panics on `?`, and on `…` waits
/// until the test lets it go on. Keeps count of the texts of each batch.
struct StandIn {
    go_on: Mutex<mpsc::Receiver<()>>,
    batches: Arc<Mutex<Vec<usize>>>,
}

impl Embed for StandIn {
    fn threads(&self) -> usize {
        1
    }

    fn embed(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError> {
        self.batches.lock().unwrap().push(texts.len());
        let begins_with = |c: char| texts.iter().any(|ids| ids[0] == u32::from(c));
        if begins_with('…') {
            self.go_on.lock().unwrap().recv().unwrap();
        }
        assert!(!begins_with('?'), "on purpose");
        if begins_with('!') {
            return Err(EmbedError("on purpose".to_owned()));
        }
        Ok(texts.iter().map(|ids| vec![ids[0] as f32, 1.0]).collect())
    }
}

/// Only the stand-in is there.
struct NoOther;

impl Models for NoOther {
    fn switch(&self, name: &str) -> Result<Loaded, String> {
        Err(format!("there is no {name}"))
    }
}

/// A daemon in this process.
struct Daemon {
    endpoint: Endpoint,
    service: Arc<Service>,
    serving: JoinHandle<()>,
    go_on: mpsc::Sender<()>,
    batches: Arc<Mutex<Vec<usize>>>,
    _directory: TempDir,
}

impl Daemon {
    fn start(limits: serve::Limits, engine: engine::Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::resolve(Some(&directory.path().join("s"))).unwrap();
        let (go_on, wait) = mpsc::channel();
        let batches = Arc::default();
        let model = StandIn {
            go_on: Mutex::new(wait),
            batches: Arc::clone(&batches),
        };
        let card = ModelCard {
            id: "stand-in".to_owned(),
            dimension: 2,
            pooling: Pooling::Cls,
            max_tokens: 512,
            precision: Precision::F32,
        };
        let engine = Engine::start(Characters, model, engine).unwrap();
        let loaded = Loaded {
            engine,
            model: card,
            embedded: false,
        };
        let service = Arc::new(Service::new(loaded, Arc::new(NoOther), limits));
        let listener = serve::bind(&endpoint).unwrap();
        let serving = tokio::spawn(serve::serve(listener, Arc::clone(&service)));
        Self {
            endpoint,
            service,
            serving,
            go_on,
            batches,
            _directory: directory,
        }
    }

    /// A connected client.
    async fn client(&self) -> Link {
        let link = Link::new(self.endpoint.clone(), Start::Never);
        link.status().await.unwrap();
        link
    }

    /// A raw connection, to be used on a thread of its own.
    fn stream(&self) -> UnixStream {
        let stream = UnixStream::connect(self.endpoint.path()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        stream
    }
}

const SHORT: Duration = Duration::from_millis(50);

fn impatient() -> serve::Limits {
    serve::Limits {
        patience: SHORT,
        ..serve::Limits::default()
    }
}

fn frame(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    [&length, payload].concat()
}

fn greeting() -> Vec<u8> {
    let hello = Hello {
        protocol: PROTOCOL,
        build: "test".to_owned(),
    };
    [MAGIC.to_vec(), frame(&encode(&hello).unwrap())].concat()
}

/// Sends `bytes`, then only listens: all that comes until the daemon closes the connection.
async fn send_and_listen(mut stream: UnixStream, bytes: Vec<u8>) -> Vec<u8> {
    let talk = move || {
        stream.write_all(&bytes).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    };
    tokio::task::spawn_blocking(talk).await.unwrap()
}

fn refused(error: ClientError) -> ErrorCode {
    match error {
        ClientError::Refused(reply) => reply.code,
        other => panic!("{other}"),
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_ends_with_half_a_frame() {
    let daemon = Daemon::start(impatient(), engine::Limits::default());
    let half_a_frame = [greeting(), vec![9, 0, 0, 0, 1]].concat();
    let answer = send_and_listen(daemon.stream(), half_a_frame).await;
    // The welcome, then the error.
    let welcome = 4 + u32::from_le_bytes(*answer.first_chunk().unwrap()) as usize;
    let (id, outcome) = decode::<ReplyEnvelope>(&answer[welcome + 4..]).unwrap();
    assert_eq!(id, 0);
    assert_eq!(outcome.unwrap_err().code, ErrorCode::BadFrame);
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_ends_with_half_a_line() {
    let daemon = Daemon::start(impatient(), engine::Limits::default());
    let answer = send_and_listen(daemon.stream(), b"{\"a\":".to_vec()).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("a line stopped in its middle"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_ends_with_a_connection_that_says_nothing() {
    let limits = serve::Limits {
        handshake: SHORT,
        ..serve::Limits::default()
    };
    let daemon = Daemon::start(limits, engine::Limits::default());
    assert_eq!(send_and_listen(daemon.stream(), vec![]).await, b"");
    let answer = send_and_listen(daemon.stream(), b"GTE".to_vec()).await;
    let refusal = decode::<Result<Welcome, ErrorReply>>(&answer[4..]).unwrap();
    assert_eq!(refusal.unwrap_err().code, ErrorCode::BadFrame);
}

#[tokio::test(flavor = "multi_thread")]
async fn between_messages_a_connection_may_rest() {
    let daemon = Daemon::start(impatient(), engine::Limits::default());
    let mut stream = daemon.stream();
    let talk = move || {
        stream.write_all(&greeting()).unwrap();
        let mut welcome = [0; 12];
        stream.read_exact(&mut welcome).unwrap();
        std::thread::sleep(3 * SHORT);
        stream.write_all(&frame(&[7, 4])).unwrap();
        let mut reply = [0; 5];
        stream.read_exact(&mut reply).unwrap();
        assert_eq!(reply[4], 7);
    };
    tokio::task::spawn_blocking(talk).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_frame_that_is_no_greeting_is_refused_in_words() {
    let daemon = Daemon::start(impatient(), engine::Limits::default());
    for (bytes, code) in [
        (frame(b"nonsense"), ErrorCode::BadFrame),
        (u32::MAX.to_le_bytes().to_vec(), ErrorCode::TooLarge),
    ] {
        let bytes = [MAGIC.to_vec(), bytes].concat();
        let answer = send_and_listen(daemon.stream(), bytes).await;
        let refusal = decode::<Result<Welcome, ErrorReply>>(&answer[4..]).unwrap();
        assert_eq!(refusal.unwrap_err().code, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_the_model_is_a_reply_and_the_next_call_works() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let client = daemon.client().await;
    for bad in ["!", "?"] {
        let error = client.embed(texts(&["甲", bad])).await.unwrap_err();
        assert_eq!(refused(error), ErrorCode::Internal, "{bad}");
        assert_eq!(client.embed(texts(&["甲"])).await.unwrap().result.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_work_than_is_taken_on_is_refused_at_once() {
    let few = engine::Limits {
        texts_in_hand: 3,
        ..engine::Limits::default()
    };
    let daemon = Daemon::start(serve::Limits::default(), few);
    let client = Arc::new(daemon.client().await);
    let error = client
        .embed(texts(&["1", "2", "3", "4"]))
        .await
        .unwrap_err();
    assert_eq!(refused(error), ErrorCode::Overloaded);

    let waiting = Arc::clone(&client);
    let waiting = tokio::spawn(async move { waiting.embed(texts(&["…", "2"])).await });
    while client.status().await.unwrap().texts_in_hand != 2 {}
    let error = client.embed(texts(&["3", "4"])).await.unwrap_err();
    assert_eq!(refused(error), ErrorCode::Overloaded);
    daemon.go_on.send(()).unwrap();
    waiting.await.unwrap().unwrap();
    client.embed(texts(&["3", "4"])).await.unwrap();
    assert_eq!(client.status().await.unwrap().texts_in_hand, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_too_long_to_be_looked_at_are_named() {
    let limits = engine::Limits {
        bytes_a_text: 6,
        bytes_in_hand: 10,
        ..engine::Limits::default()
    };
    let daemon = Daemon::start(serve::Limits::default(), limits);
    let client = daemon.client().await;
    client.embed(texts(&["甲乙", "丙"])).await.unwrap();
    match client.embed(texts(&["甲乙", "甲乙丙"])).await.unwrap_err() {
        ClientError::Refused(error) => {
            assert_eq!((error.code, error.text), (ErrorCode::TooLarge, Some(1)));
            assert!(error.message.contains("9 bytes"), "{error}");
        }
        other => panic!("{other}"),
    }
    let error = client.embed(texts(&["甲乙", "丙丁"])).await.unwrap_err();
    assert_eq!(refused(error), ErrorCode::Overloaded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_occurs_twice_is_computed_once() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let client = daemon.client().await;
    let reply = client
        .embed(texts(&["甲", "乙", "甲", "甲"]))
        .await
        .unwrap();
    assert_eq!(reply.result[0], reply.result[3]);
    assert_ne!(reply.result[0], reply.result[1]);
    assert_eq!(*daemon.batches.lock().unwrap(), [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_too_many_waits_for_a_place() {
    let one = serve::Limits {
        connections: 1,
        ..serve::Limits::default()
    };
    let daemon = Daemon::start(one, engine::Limits::default());
    let first = daemon.client().await;
    let mut second = Box::pin(daemon.client());
    let waits = tokio::time::timeout(SHORT, &mut second).await;
    assert!(waits.is_err(), "it was let in");
    first.status().await.unwrap();
    drop(first);
    second.await.status().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_finishes_what_runs_and_removes_the_socket() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let client = Arc::new(daemon.client().await);
    let idle = daemon.client().await;
    let running = Arc::clone(&client);
    let running = tokio::spawn(async move { running.embed(texts(&["…"])).await });
    while client.status().await.unwrap().texts_in_hand != 1 {}
    daemon.service.stop();
    while daemon.endpoint.path().exists() {
        tokio::task::yield_now().await;
    }
    let late = Link::new(daemon.endpoint.clone(), Start::Never);
    assert!(matches!(
        late.status().await,
        Err(ClientError::NotRunning(_))
    ));
    assert!(!daemon.serving.is_finished(), "it waits for what runs");
    daemon.go_on.send(()).unwrap();
    assert_eq!(running.await.unwrap().unwrap().result.len(), 1);
    daemon.serving.await.unwrap();
    assert!(matches!(
        idle.status().await,
        Err(ClientError::NotRunning(_))
    ));
}

#[tokio::test]
async fn a_model_that_cannot_be_had_leaves_the_one_at_work() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let client = daemon.client().await;
    match client.use_model("another".to_owned()).await {
        Err(ClientError::Refused(error)) => {
            assert_eq!(error.code, ErrorCode::Model);
            assert_eq!(error.message, "there is no another");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(client.status().await.unwrap().model.id, "stand-in");
}

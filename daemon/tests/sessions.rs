//! Sessions and the engine with a stand-in for the model: timeouts can be short, work can be slow on
//! purpose, and the model can fail.

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
use gte_shared::client::{Client, ClientError, Start};
use gte_shared::endpoint::Endpoint;
use gte_shared::wire::codec::{decode, encode};
use gte_shared::wire::{
    Embed as EmbedTexts, ErrorCode, ErrorReply, GetStatus, Hello, MAGIC, ModelInfo, PROTOCOL,
    Pooling, Precision, ReplyEnvelope, TextInfo, UseModel, Welcome,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// One token per character.
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

/// A vector that tells the first character. Fails on `!`, panics on `?`, and on `…` waits
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
    fn use_model(&self, name: &str) -> Result<Loaded, ErrorReply> {
        Err(ErrorReply::new(
            ErrorCode::Model,
            format!("there is no {name}"),
        ))
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
        let info = ModelInfo {
            id: "stand-in".to_owned(),
            dimension: 2,
            pooling: Pooling::Cls,
            max_tokens: 512,
            precision: Precision::F32,
            builtin: false,
        };
        let engine = Engine::start(Characters, model, engine).unwrap();
        let loaded = Loaded {
            engine,
            model: info,
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
    async fn client(&self) -> Client {
        let client = Client::new(self.endpoint.clone(), Start::Never);
        client.call(GetStatus).await.unwrap();
        client
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

fn short_stalls() -> serve::Limits {
    serve::Limits {
        stall_timeout: SHORT,
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
        version: "test".to_owned(),
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

fn texts(texts: &[&str]) -> EmbedTexts {
    EmbedTexts {
        texts: texts.iter().map(|text| (*text).to_owned()).collect(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_frame_is_given_up() {
    let daemon = Daemon::start(short_stalls(), engine::Limits::default());
    let half_a_frame = [greeting(), vec![9, 0, 0, 0, 1]].concat();
    let answer = send_and_listen(daemon.stream(), half_a_frame).await;
    // The welcome, then the error.
    let welcome = 4 + u32::from_le_bytes(*answer.first_chunk().unwrap()) as usize;
    let (id, outcome) = decode::<ReplyEnvelope>(&answer[welcome + 4..]).unwrap();
    assert_eq!(id, 0);
    assert_eq!(outcome.unwrap_err().code, ErrorCode::BadFrame);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_line_is_given_up() {
    let daemon = Daemon::start(short_stalls(), engine::Limits::default());
    let answer = send_and_listen(daemon.stream(), b"{\"a\":".to_vec()).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("a line stopped in its middle"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_connection_is_closed() {
    let limits = serve::Limits {
        handshake_timeout: SHORT,
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
    let daemon = Daemon::start(short_stalls(), engine::Limits::default());
    let mut stream = daemon.stream();
    let talk = move || {
        stream.write_all(&greeting()).unwrap();
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut welcome = vec![0; u32::from_le_bytes(length) as usize];
        stream.read_exact(&mut welcome).unwrap();
        // The rest is what this test is about.
        std::thread::sleep(3 * SHORT);
        stream.write_all(&frame(&[7, 4])).unwrap();
        let mut reply = [0; 5];
        stream.read_exact(&mut reply).unwrap();
        assert_eq!(reply[4], 7);
    };
    tokio::task::spawn_blocking(talk).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_frame_without_greeting_is_refused() {
    let daemon = Daemon::start(short_stalls(), engine::Limits::default());
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
async fn a_failing_model_is_a_reply_and_the_next_call_works() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let client = daemon.client().await;
    for bad in ["!", "?"] {
        let error = client.call(texts(&["甲", bad])).await.unwrap_err();
        assert_eq!(refused(error), ErrorCode::Internal, "{bad}");
        assert_eq!(client.call(texts(&["甲"])).await.unwrap().result.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_over_the_budget_is_refused_at_once() {
    let few = engine::Limits {
        pending_texts: 3,
        ..engine::Limits::default()
    };
    let daemon = Daemon::start(serve::Limits::default(), few);
    let client = Arc::new(daemon.client().await);
    let error = client.call(texts(&["1", "2", "3", "4"])).await.unwrap_err();
    assert_eq!(refused(error), ErrorCode::Overloaded);

    let waiting = Arc::clone(&client);
    let waiting = tokio::spawn(async move { waiting.call(texts(&["…", "2"])).await });
    while client.call(GetStatus).await.unwrap().pending_texts != 2 {}
    let error = client.call(texts(&["3", "4"])).await.unwrap_err();
    assert_eq!(refused(error), ErrorCode::Overloaded);
    daemon.go_on.send(()).unwrap();
    waiting.await.unwrap().unwrap();
    client.call(texts(&["3", "4"])).await.unwrap();
    assert_eq!(client.call(GetStatus).await.unwrap().pending_texts, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_are_too_long_are_named() {
    let limits = engine::Limits {
        bytes_per_text: 6,
        pending_bytes: 10,
        ..engine::Limits::default()
    };
    let daemon = Daemon::start(serve::Limits::default(), limits);
    let client = daemon.client().await;
    client.call(texts(&["甲乙", "丙"])).await.unwrap();
    match client.call(texts(&["甲乙", "甲乙丙"])).await.unwrap_err() {
        ClientError::Refused(error) => {
            assert_eq!((error.code, error.text), (ErrorCode::TooLarge, Some(1)));
            assert!(error.message.contains("9 bytes"), "{error}");
        }
        other => panic!("{other}"),
    }
    let error = client.call(texts(&["甲乙", "丙丁"])).await.unwrap_err();
    assert_eq!(refused(error), ErrorCode::Overloaded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_occurs_twice_is_computed_once() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let client = daemon.client().await;
    let reply = client.call(texts(&["甲", "乙", "甲", "甲"])).await.unwrap();
    assert_eq!(reply.result[0], reply.result[3]);
    assert_ne!(reply.result[0], reply.result[1]);
    assert_eq!(*daemon.batches.lock().unwrap(), [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_over_the_limit_waits() {
    let one = serve::Limits {
        connections: 1,
        ..serve::Limits::default()
    };
    let daemon = Daemon::start(one, engine::Limits::default());
    let first = daemon.client().await;
    let mut second = Box::pin(daemon.client());
    let waits = tokio::time::timeout(SHORT, &mut second).await;
    assert!(waits.is_err(), "it was let in");
    first.call(GetStatus).await.unwrap();
    drop(first);
    second.await.call(GetStatus).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_finishes_what_runs_and_removes_the_socket() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let client = Arc::new(daemon.client().await);
    let idle = daemon.client().await;
    let running = Arc::clone(&client);
    let running = tokio::spawn(async move { running.call(texts(&["…"])).await });
    while client.call(GetStatus).await.unwrap().pending_texts != 1 {}
    daemon.service.stop();
    while daemon.endpoint.path().exists() {
        tokio::task::yield_now().await;
    }
    let late = Client::new(daemon.endpoint.clone(), Start::Never);
    assert!(matches!(
        late.call(GetStatus).await,
        Err(ClientError::NotRunning(_))
    ));
    assert!(!daemon.serving.is_finished(), "it waits for what runs");
    daemon.go_on.send(()).unwrap();
    assert_eq!(running.await.unwrap().unwrap().result.len(), 1);
    daemon.serving.await.unwrap();
    assert!(matches!(
        idle.call(GetStatus).await,
        Err(ClientError::NotRunning(_))
    ));
}

#[tokio::test]
async fn a_model_that_cannot_be_loaded_changes_nothing() {
    let daemon = Daemon::start(serve::Limits::default(), engine::Limits::default());
    let client = daemon.client().await;
    match client
        .call(UseModel {
            model: "another".to_owned(),
        })
        .await
    {
        Err(ClientError::Refused(error)) => {
            assert_eq!(error.code, ErrorCode::Model);
            assert_eq!(error.message, "there is no another");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(client.call(GetStatus).await.unwrap().model.id, "stand-in");
}

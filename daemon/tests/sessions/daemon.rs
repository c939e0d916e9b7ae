//! Daemon in the process of the test, with a stand-in for the model.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use gte_daemon::engine::{
    self, Embed, EmbedError, Engine, KeptVectors, ListedToken, SharedCache, Tokenize,
    TokenizeError, TokenizedWords, Tokens, Word,
};
use gte_daemon::serve::{self, BoundSocket, Loaded, Models, Scales, Service, StartedBy};
use gte_shared::client::{Client, Start};
use gte_shared::endpoint::Endpoint;
use gte_shared::score::Scale;
use gte_shared::wire::{
    DiskCacheStatus, ErrorCode, ErrorReply, GetStatus, ModelInfo, Pooling, Precision, TextInfo,
    TextRules,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// Timeout that a test can wait for.
pub(crate) const SHORT: Duration = Duration::from_millis(50);

/// Tokenizer that makes one token of each character.
struct Characters;

impl Tokenize for Characters {
    fn tokenize(&self, text: &str, _rules: TextRules) -> Result<Tokens, TokenizeError> {
        if text.is_empty() {
            return Err(TokenizeError::Blank);
        }
        let ids: Arc<[u32]> = text.chars().map(u32::from).collect();
        let tokens = u32::try_from(ids.len()).unwrap();
        Ok(Tokens {
            windows: vec![ids],
            info: TextInfo {
                tokens,
                total_tokens: tokens,
                windows: 1,
                ..TextInfo::default()
            },
        })
    }

    fn tokenize_words(
        &self,
        text: &str,
        rules: TextRules,
    ) -> Result<TokenizedWords, TokenizeError> {
        let tokens = self.tokenize(text, rules)?;
        let word = |index: u32| Word {
            place: (index, index + 1),
            tokens: index as usize..index as usize + 1,
        };
        let words = (0..tokens.info.tokens).map(word).collect();
        Ok(TokenizedWords { tokens, words })
    }

    fn list_tokens(&self, text: &str, _: TextRules) -> Result<Vec<ListedToken>, TokenizeError> {
        let token = |(place, c): (u32, char)| ListedToken {
            id: u32::from(c),
            text: c.into(),
            place: Some((place, place + 1)),
        };
        Ok((0..).zip(text.chars()).map(token).collect())
    }
}

/// Signals that let a waiting batch proceed.
type Signals = Arc<Mutex<mpsc::Receiver<()>>>;

/// Model whose vectors have the code of the first character. Fails on `!`, panics on `?`, and waits
/// on `…` until the test sends a signal. Records the number of texts of each batch.
struct StandIn {
    proceed: Signals,
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
            self.proceed.lock().unwrap().recv().unwrap();
        }
        assert!(!begins_with('?'), "on purpose");
        if begins_with('!') {
            return Err(EmbedError("on purpose".to_owned()));
        }
        Ok(texts.iter().map(|ids| vec![ids[0] as f32, 1.0]).collect())
    }

    fn hidden_states(&self, texts: &[&[u32]]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let states = |ids: &[u32]| ids.iter().flat_map(|id| [*id as f32, 1.0]).collect();
        Ok(texts.iter().map(|ids| states(ids)).collect())
    }
}

/// Models of which none but the stand-in is selected. `second` and `third` are stand-ins, too, and
/// `broken` cannot be loaded.
struct Others(Signals);

impl Others {
    fn refusal(name: &str) -> ErrorReply {
        ErrorReply::new(ErrorCode::Model, format!("unknown model {name}"))
    }
}

impl Models for Others {
    fn use_model(&self, name: &str) -> Result<Loaded, ErrorReply> {
        match name {
            "second" => self.load_second(name),
            _ => Err(Self::refusal(name)),
        }
    }

    fn load_again(&self) -> Result<Loaded, ErrorReply> {
        Err(Self::refusal("stand-in"))
    }

    fn check_second(&self, name: &str) -> Result<(), ErrorReply> {
        match name {
            "second" | "third" | "broken" => Ok(()),
            _ => Err(Self::refusal(name)),
        }
    }

    fn load_second(&self, name: &str) -> Result<Loaded, ErrorReply> {
        if name == "broken" {
            return Err(Self::refusal(name));
        }
        let signals = Arc::clone(&self.0);
        Ok(loaded(
            name,
            signals,
            Arc::default(),
            engine::Limits::default(),
        ))
    }

    fn resolve(&self, name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    fn names(&self) -> Vec<String> {
        vec!["stand-in".to_owned()]
    }

    fn disk_cache(&self) -> Option<DiskCacheStatus> {
        None
    }

    fn shared_cache(&self) -> Option<&SharedCache> {
        None
    }
}

/// A loaded stand-in.
fn loaded(
    name: &str,
    proceed: Signals,
    batches: Arc<Mutex<Vec<usize>>>,
    limits: engine::Limits,
) -> Loaded {
    let model = StandIn { proceed, batches };
    let info = ModelInfo {
        id: name.to_owned(),
        dimension: 2,
        pooling: Pooling::Cls,
        max_tokens: 512,
        precision: Precision::F32,
        builtin: false,
        rules: TextRules::default(),
        scale: Scale::default(),
    };
    Loaded {
        engine: Engine::start(Characters, model, limits, KeptVectors::default()).unwrap(),
        model: info,
        scales: Scales::default(),
        load_time: Duration::ZERO,
    }
}

/// A daemon in the process of the test.
pub(crate) struct Daemon {
    pub(crate) endpoint: Endpoint,
    pub(crate) service: Arc<Service>,
    pub(crate) serving: JoinHandle<()>,
    /// Lets a waiting batch of the model proceed.
    pub(crate) proceed: mpsc::Sender<()>,
    /// Number of texts of each batch so far.
    pub(crate) batches: Arc<Mutex<Vec<usize>>>,
    _directory: TempDir,
}

impl Daemon {
    pub(crate) fn start(limits: serve::Limits, engine: engine::Limits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let endpoint = Endpoint::resolve(Some(&directory.path().join("s"))).unwrap();
        // Clients see by it that a daemon runs.
        let lock = File::create(endpoint.lock_path()).unwrap();
        lock.lock().unwrap();
        let (proceed, wait) = mpsc::channel();
        let batches = Arc::default();
        let signals = Arc::new(Mutex::new(wait));
        let models = Arc::new(Others(Arc::clone(&signals)));
        let loaded = loaded("stand-in", signals, Arc::clone(&batches), engine);
        let service = Service::new(loaded, models, limits, StartedBy::Other);
        let service = Arc::new(service);
        let socket = BoundSocket::bind(&endpoint).unwrap();
        let serving = serve::serve(socket, Arc::clone(&service), || true);
        let serving = tokio::spawn(async move {
            serving.await;
            drop(lock);
        });
        Self {
            endpoint,
            service,
            serving,
            proceed,
            batches,
            _directory: directory,
        }
    }

    /// Connected client.
    pub(crate) async fn client(&self) -> Client {
        let client = Client::new(self.endpoint.clone(), Start::Never);
        client.call(GetStatus).await.unwrap();
        client
    }

    /// Raw connection, whose reads block: to be used on a thread of its own.
    pub(crate) fn stream(&self) -> UnixStream {
        let stream = UnixStream::connect(self.endpoint.path()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_mins(1)))
            .unwrap();
        stream
    }
}

//! The second model: its users, its room, and its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gte_daemon::{engine, serve};
use gte_shared::client::{Client, ClientError, Notice, Start};
use gte_shared::wire::{Embed, ErrorCode, GetStatus, UseModel};

use crate::daemon::{Daemon, SHORT};
use crate::work::{poll_until, texts, wait_for_pending_texts};

fn start() -> Daemon {
    let limits = serve::Limits {
        admission_timeout: SHORT,
        ..serve::Limits::default()
    };
    Daemon::start(limits, engine::Limits::default())
}

/// A text for the model of a name.
fn of(model: &str, text: &str) -> Embed {
    let mut embed = texts(&[text]);
    embed.options.model = Some(model.to_owned());
    embed
}

async fn second(client: &Client) -> Option<String> {
    let status = client.call(GetStatus).await.unwrap();
    status.second_model.map(|model| model.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_model_waits_until_the_second_is_released() {
    let daemon = start();
    let (client, looker) = (daemon.client().await, daemon.client().await);
    let working = tokio::spawn(async move { client.call(of("second", "…")).await });
    wait_for_pending_texts(&looker, 1).await;
    let refusals = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&refusals);
    let waiting = Client::with_notices(daemon.endpoint.clone(), Start::Never, move |notice| {
        if matches!(notice, Notice::Busy) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let waiting = tokio::spawn(async move { waiting.call(of("third", "甲")).await });
    // It is refused after a while, and tries again.
    poll_until(|| async { refusals.load(Ordering::Relaxed) == 1 }).await;
    assert_eq!(second(&looker).await.as_deref(), Some("second"));
    // The selected model answers meanwhile.
    assert!(looker.call(texts(&["乙"])).await.is_ok());
    daemon.proceed.send(()).unwrap();
    assert_eq!(working.await.unwrap().unwrap().model.id, "second");
    assert_eq!(waiting.await.unwrap().unwrap().model.id, "third");
    assert_eq!(second(&looker).await.as_deref(), Some("third"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_refused_pushes_out_none() {
    let daemon = start();
    let client = daemon.client().await;
    client.call(of("second", "甲")).await.unwrap();
    for (name, stays) in [("unheard-of", Some("second")), ("broken", None)] {
        let Err(ClientError::Refused(error)) = client.call(of(name, "甲")).await else {
            panic!("{name} was not refused");
        };
        assert_eq!(error.code, ErrorCode::Model);
        assert_eq!(second(&client).await.as_deref(), stays, "{name}");
    }
    // The selected one may be named, too.
    let named = client.call(of("stand-in", "甲")).await.unwrap();
    assert_eq!(named.model.id, "stand-in");
    assert_eq!(second(&client).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_model_in_use_is_not_idle() {
    let daemon = start();
    daemon.service.set_idle_unload(Some(SHORT));
    let (client, looker) = (daemon.client().await, daemon.client().await);
    let working = tokio::spawn(async move { client.call(of("second", "…")).await });
    wait_for_pending_texts(&looker, 1).await;
    tokio::time::sleep(3 * SHORT).await;
    assert_eq!(second(&looker).await.as_deref(), Some("second"));
    daemon.proceed.send(()).unwrap();
    assert!(working.await.unwrap().is_ok());
    poll_until(|| async { second(&looker).await.is_none() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_of_two_models_take_turns() {
    let daemon = start();
    let working = |model: &'static str| {
        let client = Client::new(daemon.endpoint.clone(), Start::Never);
        tokio::spawn(async move {
            for index in 0..50 {
                let text = format!("{index}");
                let both = [of(model, &text), of(model, "甲")].map(|of| client.call(of));
                let [one, other] = both;
                let (one, other) = tokio::join!(one, other);
                assert_eq!(one.unwrap().model.id, model);
                assert_eq!(other.unwrap().model.id, model);
            }
        })
    };
    let both = [working("second"), working("third")];
    for working in both {
        working.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selected_model_has_room_until_its_requests_are_answered() {
    let daemon = start();
    let (client, looker) = (daemon.client().await, daemon.client().await);
    let working = tokio::spawn(async move { client.call(of("second", "…")).await });
    wait_for_pending_texts(&looker, 1).await;
    let model = "second".to_owned();
    looker.call(UseModel { model }).await.unwrap();
    assert_eq!(second(&looker).await, None);
    // What still runs is counted, and a third model waits for it.
    wait_for_pending_texts(&looker, 1).await;
    let waiting = daemon.client().await;
    let waiting = tokio::spawn(async move { waiting.call(of("third", "甲")).await });
    let selected = looker.call(of("second", "乙")).await.unwrap();
    assert_eq!(selected.model.id, "second");
    assert_eq!(second(&looker).await, None);
    daemon.proceed.send(()).unwrap();
    assert!(working.await.unwrap().is_ok());
    assert_eq!(waiting.await.unwrap().unwrap().model.id, "third");
}

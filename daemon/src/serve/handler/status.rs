//! Handler of `GetStatus`: the state of the daemon.

use gte_shared::VERSION;
use gte_shared::wire::{ErrorReply, GetStatus, PROTOCOL, Status};

use super::handle::Handle;
use crate::engine::Engine;
use crate::serve::context::Context;
use crate::serve::resident::resident_bytes;
use crate::serve::started_by::StartedBy;

impl Handle for GetStatus {
    const NAME: &'static str = "status";
    const IS_WORK: bool = false;

    async fn handle(self, context: &Context) -> Result<Status, ErrorReply> {
        let selected = context.service.selected();
        let engine = selected.get().map(|loaded| &loaded.engine);
        let second = context.service.second().get();
        let counters = context.service.counters();
        Ok(Status {
            version: VERSION.to_owned(),
            protocol: PROTOCOL,
            pid: std::process::id(),
            detached: context.service.started_by() == StartedBy::Client,
            activated: context.service.started_by() == StartedBy::ServiceManager,
            state: selected.state(),
            model: selected.model.clone(),
            second_model: second.map(|loaded| loaded.model.clone()),
            threads: u32::try_from(engine.map_or(0, Engine::threads)).unwrap_or(u32::MAX),
            uptime_seconds: counters.uptime.as_secs(),
            connections: counters.connections,
            requests: counters.requests,
            texts: counters.texts,
            pending_texts: context.service.pending_texts() as u64,
            texts_per_second: context.service.recent().texts_per_second(),
            idle_seconds: context.service.idle_time().map_or(0, |idle| idle.as_secs()),
            latency: context.service.recent().latency(),
            cache: engine.map(Engine::cache_status).unwrap_or_default(),
            disk_cache: context.service.disk_cache(),
            resident_bytes: resident_bytes().unwrap_or(0),
        })
    }
}

//! HTTP at a socket of the service manager.

use std::net::TcpListener;

use gte_tests::{GOLDEN_A, GOLDEN_B, HttpConnection, has_golden_score};
use serde_json::json;

use super::user::{installed_with, score, wait_for_state};

#[test]
fn a_request_to_the_socket_of_http_starts_the_service() {
    let Some(user) = installed_with("idle_exit = \"3s\"") else {
        return;
    };
    let unit = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../daemon/systemd/gted-http.socket"
    );
    let unit = std::fs::read_to_string(unit).unwrap();
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let unit = unit.replace("127.0.0.1:8765", &address.to_string());
    let units = user.home().join(".config/systemd/user");
    std::fs::write(units.join("gted-http.socket"), unit).unwrap();
    user.systemctl(&["daemon-reload"]).success();
    user.systemctl(&["start", "gted-http.socket"]).success();
    let pair = json!({"sentence_a": GOLDEN_A, "sentence_b": GOLDEN_B});
    for _ in 0..2 {
        let mut http = HttpConnection::tcp(&address.to_string());
        let reply = http.post("/api/similarity", &pair);
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(has_golden_score(&reply.json()["similarity"].to_string()));
        // The same daemon answers at both sockets.
        assert!(has_golden_score(&score(&user).success()));
        assert_eq!(http.get("/health").status, 200);
        wait_for_state(&user, "inactive");
        assert_eq!(user.property("gted.service", "Result"), "success");
    }
}

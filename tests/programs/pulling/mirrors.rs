//! Mirrors and stores as they are found: redirects, missing or false headers, refusals, addresses.

use std::net::Ipv4Addr;

use gte_tests::{COMMIT, Output, Sandbox, Scripted, gted};

use super::pull::{REPO, pull_with, tiny_hub};
use crate::models::{assert_matches_pytorch, installed_entries};

/// Pulls the tiny BERT from Hugging Face at this address, with a token.
fn pull_at(sandbox: &Sandbox, endpoint: &str) -> Output {
    pull_with(sandbox, endpoint, &[("HF_TOKEN", "secret")])
}

/// Target of a request line.
fn target(line: &str) -> &str {
    line.split(' ').nth(1).unwrap_or_default()
}

fn manifest(sandbox: &Sandbox) -> String {
    let manifest = sandbox.models().join("tiny/manifest.json");
    std::fs::read_to_string(manifest).expect("the model is installed")
}

#[test]
fn a_mirror_that_redirects_to_the_hub_is_used() {
    let sandbox = Sandbox::default();
    for code in [302, 307, 308] {
        let hub = tiny_hub();
        let to = hub.endpoint();
        let mirror = Scripted::start(move |line, _| {
            let location = format!("{to}{}", target(line));
            (code, vec![("Location", location)], Vec::new())
        });
        let output = pull_at(&sandbox, &mirror.endpoint());
        assert!(!output.stderr.contains("no checksum"), "{output:?}");
        output.success();
        assert!(
            manifest(&sandbox).contains(COMMIT),
            "the commit is the hub's"
        );
        // The token is the mirror's alone.
        let of_hub = hub.take_requests();
        assert!(
            of_hub
                .iter()
                .all(|request| !request.headers.contains_key("authorization"))
        );
        sandbox.gted(&["remove", "tiny"]).success();
    }
}

#[test]
fn redirects_within_a_server_may_be_relative() {
    let sandbox = Sandbox::default();
    let hub = tiny_hub();
    let to = hub.endpoint();
    let mirror = Scripted::start(move |line, _| {
        let asked = target(line).split('?').next().unwrap_or_default();
        let location = match asked.split_once("/resolve/main/") {
            Some((_, file)) => format!("../{}/{file}?download=true", "moved"),
            None => format!("{to}{}", asked.replace("/resolve/moved/", "/resolve/main/")),
        };
        (307, vec![("Location", location)], Vec::new())
    });
    pull_at(&sandbox, &mirror.endpoint()).success();
}

/// A store with the files of the tiny BERT and a `modules.json`, with these tags and no other
/// headers of a hub. What it does not have is forbidden, and HEAD gets this status instead.
fn store(tag: &'static str, head: u16) -> Scripted {
    let folder = gte_tests::fixture("tiny-bert/hf");
    Scripted::start(move |line, headers| {
        if line.starts_with("HEAD") && head != 200 {
            return (head, Vec::new(), Vec::new());
        }
        let path = target(line).split('?').next().unwrap_or_default();
        let file = path.split("/resolve/main/").nth(1).unwrap_or_default();
        let content = match file {
            "modules.json" => Ok(MODULES.into()),
            file => std::fs::read(folder.join(file)),
        };
        match content {
            Ok(content)
                if headers
                    .get("range")
                    .is_some_and(|range| range == "bytes=0-0") =>
            {
                let range = format!("bytes 0-0/{}", content.len());
                (206, vec![("Content-Range", range)], content[..1].to_vec())
            }
            Ok(content) => (200, vec![("ETag", format!("\"{tag}\""))], content),
            Err(_) => (403, Vec::new(), Vec::new()),
        }
    })
}

/// Modules as sentence-transformers 2 to 5 write them: the last has no file.
const MODULES: &str = r#"[
    {"path": "", "type": "sentence_transformers.models.Transformer"},
    {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]"#;

#[test]
fn an_address_that_is_signed_for_get_alone_is_used() {
    let sandbox = Sandbox::default();
    let store = store("x", 403);
    let to = store.endpoint();
    let mirror = Scripted::start(move |line, _| {
        let file = target(line)
            .split("/resolve/main/")
            .nth(1)
            .unwrap_or_default();
        if !gte_tests::fixture("tiny-bert/hf").join(file).is_file() {
            return (404, Vec::new(), Vec::new());
        }
        let location = format!("{to}{}?X-Signature=secret", target(line));
        (302, vec![("Location", location)], Vec::new())
    });
    pull_at(&sandbox, &mirror.endpoint()).success();
    assert_matches_pytorch(&sandbox, "tiny");
}

#[test]
fn tags_of_a_store_are_not_checksums() {
    const SHA256_OF_NOTHING: &str =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    // A sha256 of something else, an MD5, a git name of something else.
    for tag in [
        SHA256_OF_NOTHING,
        &SHA256_OF_NOTHING[..32],
        &SHA256_OF_NOTHING[..40],
    ] {
        let sandbox = Sandbox::default();
        let output = pull_at(&sandbox, &store(tag, 200).endpoint());
        assert!(output.stderr.contains("no checksum"), "{output:?}");
        output.success();
    }
}

#[test]
fn a_store_without_head_and_with_403_for_missing_files_is_used() {
    let sandbox = Sandbox::default();
    let store = store("x", 405);
    let output = pull_at(&sandbox, &store.endpoint());
    assert!(
        output
            .stderr
            .contains("2_Normalize/config.json may not be read"),
        "{output:?}"
    );
    let refused = "config_sentence_transformers.json may not be read (401 or 403)";
    assert!(output.stderr.contains(refused), "{output:?}");
    output.success();
    assert!(store.requests().iter().any(|line| line.starts_with("HEAD")));
    assert_matches_pytorch(&sandbox, "tiny");
}

#[test]
fn the_server_that_answered_is_named() {
    let sandbox = Sandbox::default();
    for (status, words) in [
        (404, "was not found (404)"),
        (403, "the hub has sent us there"),
        (500, "the server answers 500"),
    ] {
        let other = Scripted::start_at(Ipv4Addr::new(127, 0, 0, 2), move |_, _| {
            (status, Vec::new(), Vec::new())
        });
        let to = other.endpoint();
        let mirror = Scripted::start(move |line, _| {
            let location = format!("{to}{}", target(line));
            (308, vec![("Location", location)], Vec::new())
        });
        let output = pull_at(&sandbox, &mirror.endpoint());
        assert_eq!(output.code(), Some(1));
        assert!(output.stderr.contains(words), "{output:?}");
        let named = format!("{}/owner/tiny", other.endpoint());
        assert!(output.stderr.contains(&named), "{output:?}");
        let first = format!("to which {} has redirected", mirror.address());
        assert!(output.stderr.contains(&first), "{output:?}");
        assert!(!output.stderr.contains("HF_TOKEN"), "{output:?}");
    }
    assert_eq!(installed_entries(&sandbox), Vec::<String>::new());
}

#[test]
fn addresses_are_taken_as_people_type_them() {
    let hub = tiny_hub();
    let bare = hub.endpoint().replace("http://", "");
    let quoted = format!(" \"{}/\" ", hub.endpoint());
    for typed in [bare.clone(), quoted, format!("{bare}//")] {
        let sandbox = Sandbox::default();
        pull_at(&sandbox, &typed).success();
    }
    let sandbox = Sandbox::default();
    sandbox.gted(&["pull", REPO, "--from", &bare]).success();
    let output = pull_at(&Sandbox::default(), "https://");
    assert!(
        output.stderr.contains("not the address of a hub"),
        "{output:?}"
    );
    assert!(
        output.stderr.contains("hint: write it as https://HOST"),
        "{output:?}"
    );
    // The former variable of ModelScope, which has no scheme.
    let sandbox = Sandbox::default();
    let mut command = sandbox.command(gted());
    command.args(["pull", REPO, "--from", "modelscope"]);
    command.env("MODELSCOPE_DOMAIN", &bare);
    Output::of(&mut command).success();
}

#[test]
fn tokens_are_trimmed_and_may_have_their_former_name() {
    for (name, value) in [("HF_TOKEN", " hf_x\n"), ("HUGGING_FACE_HUB_TOKEN", "hf_x")] {
        let sandbox = Sandbox::default();
        let hub = tiny_hub();
        pull_with(&sandbox, &hub.endpoint(), &[(name, value)]).success();
        let requests = hub.take_requests();
        let sent = requests[0].headers.get("authorization");
        assert_eq!(sent.map(String::as_str), Some("Bearer hf_x"));
    }
}

#[test]
fn what_is_not_a_repository_is_answered_with_the_line_to_type() {
    let sandbox = Sandbox::default();
    for (typed, hint) in [
        (
            "https://huggingface.co/BAAI/bge-small-zh-v1.5/tree/main",
            "`gted pull BAAI/bge-small-zh-v1.5`",
        ),
        ("bert-base-chinese", "google-bert/bert-base-chinese"),
    ] {
        let output = sandbox.gted(&["pull", typed]);
        assert_eq!(output.code(), Some(1));
        assert!(output.stderr.contains(hint), "{output:?}");
    }
    let output = sandbox.gted(&["pull", REPO, "--revision", "../../x"]);
    assert!(output.stderr.contains("cannot be a revision"), "{output:?}");
}

//! Names of tensors: translation between Hugging Face's BertModel and this program's module.

use std::collections::BTreeSet;

use super::error::WeightsError;

/// Name of the word embedding, in the file and in the module.
pub(crate) const WORDS: &str = "embeddings.word_embeddings.weight";

/// Prefix of the layers, in the file and in the module.
const LAYERS: (&str, &str) = ("encoder.layer.", "layers.");

/// Parts with different names in file and module: `(file, module)`, without the number of the layer
/// and without the last part (`weight`, `bias`).
const PARTS: [(&str, &str); 9] = [
    ("embeddings.LayerNorm", "embeddings.norm"),
    ("attention.self.query", "attention.query"),
    ("attention.self.key", "attention.key"),
    ("attention.self.value", "attention.value"),
    ("attention.output.dense", "attention.output"),
    ("attention.output.LayerNorm", "attention.norm"),
    ("intermediate.dense", "feed_forward.up"),
    ("output.dense", "feed_forward.down"),
    ("output.LayerNorm", "feed_forward.norm"),
];

/// Finds what stands before the names of the encoder's tensors: `bert.` in a model with a head,
/// `module.` or `0.auto_model.` of training programs, and so on.
///
/// # Errors
///
/// If there are several encoders.
pub(super) fn prefix<'a>(names: impl Iterator<Item = &'a str>) -> Result<String, WeightsError> {
    let prefixes = names.filter_map(|name| name.strip_suffix(WORDS));
    let prefixes = prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.'));
    let mut prefixes: BTreeSet<&str> = prefixes.collect();
    match prefixes.pop_first() {
        None => Ok(String::new()),
        Some(only) if prefixes.is_empty() => Ok(only.to_owned()),
        Some(first) => {
            let all = [first].into_iter().chain(prefixes);
            let words = all.map(|prefix| format!("{prefix}{WORDS}"));
            Err(WeightsError::SeveralEncoders(words.collect()))
        }
    }
}

/// Translates a name in the file, with a `prefix`, to the name in the module. Other names stay
/// unchanged.
pub(super) fn in_module(name: &str, prefix: &str) -> String {
    let name = name.strip_prefix(prefix).unwrap_or(name);
    with_new_norms(translate(name, LAYERS, |(file, module)| (file, module)))
}

/// Replaces the names that weight and bias of a LayerNorm have in old files, and in Burn.
fn with_new_norms(name: String) -> String {
    if let Some(norm) = name.strip_suffix("norm.gamma") {
        format!("{norm}norm.weight")
    } else if let Some(norm) = name.strip_suffix("norm.beta") {
        format!("{norm}norm.bias")
    } else {
        name
    }
}

/// Parts with different names in pack and module: `(pack, module)`. Names in packs are those of the
/// first version and never change, so that every later version reads every pack.
const PACK_PARTS: [(&str, &str); 2] = [
    (".feed_forward.expand.", ".feed_forward.up."),
    (".feed_forward.contract.", ".feed_forward.down."),
];

/// Translates a name in the module to the name in a pack.
pub(super) fn in_pack(name: &str) -> String {
    PACK_PARTS
        .iter()
        .fold(name.to_owned(), |name, (pack, module)| {
            name.replace(module, pack)
        })
}

/// Translates a name in a pack to the name in the module.
pub(super) fn from_pack(name: &str) -> String {
    let name = PACK_PARTS
        .iter()
        .fold(name.to_owned(), |name, (pack, module)| {
            name.replace(pack, module)
        });
    with_new_norms(name)
}

/// Translates a name in the module to the name in the file, without prefix.
pub(crate) fn in_file(name: &str) -> String {
    let layers = (LAYERS.1, LAYERS.0);
    translate(name, layers, |(file, module)| (module, file))
}

/// Returns true for names of the encoder, in file or module. Not for `position_ids`: a table of 0,
/// 1, 2, … in older files, which is not needed.
pub(super) fn is_encoder(name: &str) -> bool {
    let encoder = ["embeddings.", LAYERS.0, LAYERS.1];
    encoder.iter().any(|start| name.starts_with(start)) && name != "embeddings.position_ids"
}

fn translate(
    name: &str,
    (from_layers, to_layers): (&str, &str),
    direction: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) -> String {
    let part = |name: &str| {
        let (part, last) = name.rsplit_once('.')?;
        let (_, to) = PARTS
            .map(&direction)
            .into_iter()
            .find(|(from, _)| *from == part)?;
        Some(format!("{to}.{last}"))
    };
    let in_layer = || {
        let (number, rest) = name.strip_prefix(from_layers)?.split_once('.')?;
        Some(format!("{to_layers}{number}.{}", part(rest)?))
    };
    in_layer()
        .or_else(|| part(name))
        .unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_translate_both_ways() {
        for (file, module) in [
            (
                "embeddings.word_embeddings.weight",
                "embeddings.word_embeddings.weight",
            ),
            ("embeddings.LayerNorm.bias", "embeddings.norm.bias"),
            (
                "encoder.layer.11.attention.self.key.bias",
                "layers.11.attention.key.bias",
            ),
            (
                "encoder.layer.0.attention.output.dense.weight",
                "layers.0.attention.output.weight",
            ),
            (
                "encoder.layer.0.output.dense.weight",
                "layers.0.feed_forward.down.weight",
            ),
        ] {
            assert_eq!(in_module(file, ""), module);
            assert_eq!(in_module(&format!("bert.{file}"), "bert."), module);
            assert_eq!(in_file(module), file);
        }
        let pooler = "pooler.dense.weight";
        assert_eq!(in_module(pooler, ""), pooler);
    }

    #[test]
    fn one_prefix_is_found() {
        let found = |names: &[&str]| prefix(names.iter().copied());
        for before in ["", "bert.", "module.bert.", "0.auto_model."] {
            let names = [&format!("{before}{WORDS}"), "cls.predictions.bias"];
            assert_eq!(found(&names).unwrap(), before);
        }
        assert_eq!(
            found(&["pooler.bias", "my_embeddings.word_embeddings.weight"]).unwrap(),
            ""
        );
        let two = found(&[&format!("query.{WORDS}"), &format!("key.{WORDS}")]).unwrap_err();
        assert!(two.to_string().contains("key.embeddings"), "{two}");
    }

    #[test]
    fn names_in_packs_stay_those_of_older_programs() {
        for (module, pack) in [
            (
                "layers.3.feed_forward.up.weight",
                "layers.3.feed_forward.expand.weight",
            ),
            (
                "layers.3.feed_forward.down.bias",
                "layers.3.feed_forward.contract.bias",
            ),
            (
                "layers.3.feed_forward.norm.bias",
                "layers.3.feed_forward.norm.bias",
            ),
        ] {
            assert_eq!(in_pack(module), pack);
            assert_eq!(from_pack(pack), module);
        }
    }

    #[test]
    fn old_names_of_layer_norms_are_read() {
        for (old, module) in [
            ("embeddings.LayerNorm.gamma", "embeddings.norm.weight"),
            (
                "encoder.layer.1.attention.output.LayerNorm.beta",
                "layers.1.attention.norm.bias",
            ),
        ] {
            assert_eq!(in_module(old, ""), module);
        }
        // Packs of earlier versions have the names of the file that they were made of.
        assert_eq!(from_pack("embeddings.norm.beta"), "embeddings.norm.bias");
        assert_eq!(from_pack("embeddings.norm.bias"), "embeddings.norm.bias");
    }

    #[test]
    fn heads_and_position_ids_are_not_the_encoder() {
        assert!(is_encoder("layers.12.attention.key.bias"));
        assert!(is_encoder("embeddings.extra.weight"));
        assert!(!is_encoder("pooler.dense.weight"));
        assert!(!is_encoder("cls.predictions.bias"));
        assert!(!is_encoder("embeddings.position_ids"));
    }
}

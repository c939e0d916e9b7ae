//! Names of tensors: Hugging Face's BertModel on one side, this program's module on the other.

/// Prefix of every name in some files.
const PREFIX: &str = "bert.";

/// The word embedding, in the file and in the module.
pub(super) const WORDS: &str = "embeddings.word_embeddings.weight";

/// Prefix of the layers, in the file and in the module.
const LAYERS: (&str, &str) = ("encoder.layer.", "layers.");

/// Parts of the module that are named otherwise in the file: `(file, module)`, without the number of
/// the layer and without the last word (`weight`, `bias`).
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

/// The name in the module for a name in the file. A name that the module does not have stays.
pub(super) fn in_module(name: &str) -> String {
    let name = name.strip_prefix(PREFIX).unwrap_or(name);
    translate(name, LAYERS, |(file, module)| (file, module))
}

/// The name that Burn gives a tensor with a name in the module: weight and bias of a LayerNorm are
/// otherwise called there, as they are in old files.
pub(super) fn in_burn(name: &str) -> String {
    if let Some(norm) = name.strip_suffix("norm.weight") {
        format!("{norm}norm.gamma")
    } else if let Some(norm) = name.strip_suffix("norm.bias") {
        format!("{norm}norm.beta")
    } else {
        name.to_owned()
    }
}

/// Parts whose names in a pack are those of older programs: `(pack, module)`. A pack is read by later
/// programs too, so these names never change.
const PACK_PARTS: [(&str, &str); 2] = [
    (".feed_forward.expand.", ".feed_forward.up."),
    (".feed_forward.contract.", ".feed_forward.down."),
];

/// The name in a pack for a name in the module.
pub(super) fn in_pack(name: &str) -> String {
    PACK_PARTS
        .iter()
        .fold(name.to_owned(), |name, (pack, module)| {
            name.replace(module, pack)
        })
}

/// The name in the module for a name in a pack.
pub(super) fn from_pack(name: &str) -> String {
    PACK_PARTS
        .iter()
        .fold(name.to_owned(), |name, (pack, module)| {
            name.replace(pack, module)
        })
}

/// True for the name in the module of a linear layer's weight.
pub(super) fn is_linear(name: &str) -> bool {
    let weight = name.strip_suffix(".weight");
    weight.is_some_and(|part| part.starts_with(LAYERS.1) && !part.ends_with("norm"))
}

/// The name in the file, without prefix, for a name in the module.
pub(super) fn in_file(path: &str) -> String {
    let layers = (LAYERS.1, LAYERS.0);
    let name = translate(path, layers, |(file, module)| (module, file));
    // Burn's words for the weight and bias of a LayerNorm.
    name.replace("LayerNorm.gamma", "LayerNorm.weight")
        .replace("LayerNorm.beta", "LayerNorm.bias")
}

/// True for names of the encoder, in either form; `position_ids` is a table of 0, 1, 2, … that older
/// files carry and nobody reads.
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
            assert_eq!(in_module(file), module);
            assert_eq!(in_module(&format!("bert.{file}")), module);
            assert_eq!(in_file(module), file);
        }
        assert_eq!(
            in_file("layers.0.attention.norm.gamma"),
            "encoder.layer.0.attention.output.LayerNorm.weight"
        );
        assert_eq!(in_module("pooler.dense.weight"), "pooler.dense.weight");
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
    fn burn_has_its_own_words_for_layer_norms() {
        for (module, burn) in [
            ("embeddings.norm.weight", "embeddings.norm.gamma"),
            (
                "layers.1.attention.norm.bias",
                "layers.1.attention.norm.beta",
            ),
            (
                "layers.1.attention.norm.beta",
                "layers.1.attention.norm.beta",
            ),
            ("layers.1.attention.key.bias", "layers.1.attention.key.bias"),
        ] {
            assert_eq!(in_burn(module), burn);
        }
    }

    #[test]
    fn linear_weights_are_told_from_tables_and_norms() {
        assert!(is_linear("layers.3.feed_forward.up.weight"));
        assert!(!is_linear("layers.3.feed_forward.up.bias"));
        assert!(!is_linear("layers.3.feed_forward.norm.weight"));
        assert!(!is_linear("embeddings.word_embeddings.weight"));
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

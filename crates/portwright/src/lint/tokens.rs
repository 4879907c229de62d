//! What a text costs a model: tokens of `o200k_base`, a vocabulary that is public.

/// None only if the vocabulary, which is compiled in, can't be read.
pub(super) fn count(text: &str) -> usize {
    tiktoken_rs::o200k_base_singleton().encode_ordinary(text).len()
}

"""A GGUF file answers through llama.cpp; both packages are optional."""

import pytest
from modelarts_emulator.inference.language.asked import Asked, BackendFailed
from modelarts_emulator.inference.language.gguf import Gguf

pytest.importorskip("xllamacpp", reason="the extra `gguf` is not installed")
gguf = pytest.importorskip("gguf", reason="the package `gguf` writes the model of this test")
numpy = pytest.importorskip("numpy")

WIDTH, HEADS, INNER = 32, 2, 64


def tiny_model(path: str) -> None:
    """A llama of one layer with random weights that speaks in bytes."""
    words = [b"<unk>", b"<s>", b"</s>", *(f"<0x{code:02X}>".encode() for code in range(256))]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(words))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(words)
    writer.add_token_scores([0.0] * len(words))
    writer.add_token_types([2, 3, 3] + [6] * 256)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    shapes = {
        "token_embd": (len(words), WIDTH),
        "output": (len(words), WIDTH),
        **{f"blk.0.attn_{name}": (WIDTH, WIDTH) for name in ("q", "k", "v", "output")},
        "blk.0.ffn_gate": (INNER, WIDTH),
        "blk.0.ffn_up": (INNER, WIDTH),
        "blk.0.ffn_down": (WIDTH, INNER),
    }
    chance = numpy.random.default_rng(0)
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", chance.normal(0, 0.3, shape).astype(numpy.float32))
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{name}.weight", numpy.ones(WIDTH, numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_a_gguf_file_says_as_many_tokens_as_allowed(tmp_path):
    tiny_model(str(tmp_path / "tiny.gguf"))
    model = Gguf(str(tmp_path / "tiny.gguf"))
    reply = model.reply(Asked("tiny", [{"role": "user", "content": "hello"}], most=8))
    assert "".join(reply.tokens)
    assert (reply.finish_reason, reply.usage["completion_tokens"]) == ("length", 8)


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "none.gguf").write_bytes(b"GGUF but no more")
    with pytest.raises(BackendFailed, match="cannot be loaded"):
        Gguf(str(tmp_path / "none.gguf")).reply(Asked("none", [{"role": "user", "content": "hello"}]))

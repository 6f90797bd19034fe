"""Small networks of the classes of Multilingual E5 and SigLIP, in the files that are published."""

import io
from pathlib import Path

SAID = ["The price is too high.", "오늘 회의는 예산에 대한 것입니다.", "Wir sprechen über das Wetter.", "雨"]


def vocabulary(folder: Path) -> Path:
    """SentencePiece's model file, as SigLIP publishes it."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SAID * 5), model_writer=model, vocab_size=60, hard_vocab_limit=False,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    (folder / "spiece.model").write_bytes(model.getvalue())
    return folder / "spiece.model"


def make_siglip(folder: Path) -> None:
    from transformers import SiglipConfig, SiglipImageProcessor, SiglipModel, SiglipTokenizer

    tokenizer = SiglipTokenizer(str(vocabulary(folder)))
    tokenizer.save_pretrained(folder)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    towers = SiglipConfig(
        text_config=shape | {"vocab_size": len(tokenizer)}, vision_config=shape | {"image_size": 32}
    )
    SiglipModel(towers).save_pretrained(folder)
    SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)


def make_e5(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, XLMRobertaTokenizerFast

    tokens = ["<s>", "<pad>", "</s>", "<unk>"]
    built = Tokenizer(models.Unigram())
    built.pre_tokenizer = pre_tokenizers.Metaspace()
    prefixed = [f"{prefix}: {text}" for prefix in ("query", "passage") for text in SAID]
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=tokens, unk_token="<unk>")
    built.train_from_iterator(prefixed, trainer)
    ends = [("<s>", 0), ("</s>", 2)]
    built.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    XLMRobertaTokenizerFast(tokenizer_object=built).save_pretrained(folder)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    BertModel(BertConfig(vocab_size=built.get_vocab_size(), **shape)).save_pretrained(folder)

"""The labels of IETF AI Preferences, which still move: draft-ietf-aipref-vocab-08 (14 September 2026, section 4, "does not yet have consensus"), the latest found.

Everything that changes when the draft does is in this file. Attachment: draft-ietf-aipref-attach-05 (19 August 2026).
"""

from ritornello.formats.preferences.labels import Label

VOCABULARY, ATTACHMENT = "draft-ietf-aipref-vocab-08 (2026-09-14)", "draft-ietf-aipref-attach-05 (2026-08-19)"
FIELD = "Content-Usage"
YES, NO = "y", "n"

TRAIN = Label("train-ai", ("ai_generative_training", "fine_tuning", "voice_model"), ("ai_generative_training",))
USE = Label("ai-use", ("ai_inference", "reference_conditioning"), ("ai_inference",))
LABELS = (TRAIN, USE)
SEARCH = "search"  # of the draft, and no purpose of ours: never written. It overrides the others for what a search application does

# Labels of earlier drafts (-00 to -07). The draft says to ignore them; a no in an old word stays a no for us, a yes is ignored.
EVERYTHING = (
    "ai_training",
    "ai_generative_training",
    "ai_inference",
    "data_mining",
    "fine_tuning",
    "voice_model",
    "reference_conditioning",
)
RETIRED = {
    "bots": EVERYTHING,
    "all": EVERYTHING,
    "tdm": EVERYTHING,
    "ai": ("ai_training", *TRAIN.covers),
    "genai": TRAIN.covers,
    "train-genai": TRAIN.covers,
    "inference": USE.covers,
    "ai-output": USE.covers,
}

"""From records to verdicts: what a document says, held against seeds. `judgement.judge` is the way in. Torch-free."""

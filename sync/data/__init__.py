"""What the text codecs have learned: corpus, artefacts, and the training (see CODECS.md)."""

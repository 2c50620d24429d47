"""Labels that people gave elsewhere, kept as annotations by named outside annotators.

Their words are kept as they are: an annotator who cannot sign in, a closed round for each file, a codebook
made of what was seen, and one revision for each label.
"""

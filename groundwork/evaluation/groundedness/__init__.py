"""Whether passages support a sentence, found without a large model: a calibrated probability with its reason."""

"""Where stored bytes live. `contract` says what every driver promises; `framing` is the format; `local` is a disk."""

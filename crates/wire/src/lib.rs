//! SoupBinTCP 3.00 and OUCH 5.0: bytes to messages and back.

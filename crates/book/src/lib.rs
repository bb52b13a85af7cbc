//! One instrument: price levels and the orders resting on them.

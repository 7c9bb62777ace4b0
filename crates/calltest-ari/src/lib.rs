//! A client of the Asterisk REST Interface: typed requests and events, one connection per application.

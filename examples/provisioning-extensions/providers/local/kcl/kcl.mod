[package]
name = "local"
edition = "v0.11.0"
version = "1.2.0"

[package]
name = "runc"
edition = "v0.11.0"
version = "1.1.15"

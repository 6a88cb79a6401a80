[package]
name = "web"
edition = "v0.11.0"
version = "2.1.0"

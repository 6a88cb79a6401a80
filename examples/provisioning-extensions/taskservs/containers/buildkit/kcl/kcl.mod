[package]
name = "buildkit"
edition = "v0.11.0"
version = "0.16.0"

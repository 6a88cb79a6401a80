[package]
name = "kubernetes"
edition = "v0.11.0"
version = "1.28.0"

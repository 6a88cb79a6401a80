[package]
name = "cilium"
edition = "v0.11.0"
version = "1.16.3"

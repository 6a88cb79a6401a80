[package]
name = "containerd"
edition = "v0.11.0"
version = "1.7.23"

[package]
name = "etcd"
edition = "v0.11.0"
version = "3.5.16"

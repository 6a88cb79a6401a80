[package]
name = "fleet"
edition = "v0.11.0"
version = "0.1.0"
description = "The machines of a cluster and where they are reached"

[dependencies]
network = "0.2.0"

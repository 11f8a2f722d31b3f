#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
console.log("streamer");

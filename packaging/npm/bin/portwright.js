#!/usr/bin/env node
// Starts the program that came with the package for this platform. Nothing is downloaded, and no shell is involved.
"use strict";

const { spawn } = require("node:child_process");

const platform = `${process.platform}-${process.arch}`;
const file = process.platform === "win32" ? "portwright.exe" : "portwright";

let program;
try {
  program = require.resolve(`@portwright/${platform}/bin/${file}`);
} catch {
  console.error(
    `portwright: there is no program for ${platform} beside this package.\n` +
      "  Optional packages may have been left out: install again without --omit=optional and --no-optional.\n" +
      "  Where none exists for your platform: cargo install portwright",
  );
  process.exit(1);
}

const given = process.argv.slice(2);
if (typeof process.execve === "function" && process.platform !== "win32") {
  // This process becomes the program: signals and standard input are its own.
  process.execve(program, [program, ...given], process.env);
}
const child = spawn(program, given, { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => child.kill(signal));
}
child.on("error", (error) => {
  console.error(`portwright: ${program} can't be started: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  } else {
    process.exit(code ?? 1);
  }
});

import bindings from 'bindings'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NativeErrorClass } from '../errors/native-error.js'
import { PinnacleError } from '../errors/pinnacle-error.js'
import type { NativeBinding } from './binding.js'

/** The package's root: the nearest directory above with a package.json, wherever this file was compiled to. */
function packageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url))
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'package.json')) || directory === dirname(directory)) return directory
  }
}

let loaded: NativeBinding | undefined

/**
 * The addon, loaded at first use: what needs no native code (configuration, decimals) works without it.
 * Each worker thread has an instance of its own.
 */
export function native(): NativeBinding {
  loaded ??= load()
  return loaded
}

/**
 * Loads the addon below `root`; tests give a root of their own. Each call makes an instance: `require` would
 * hand one and the same to every copy of this JavaScript in the process, and the errors of all would be of
 * the last copy's class.
 */
export function load(root = packageRoot()): NativeBinding {
  const holder: { exports: unknown } = { exports: {} }
  try {
    // (Its types don't know the option "path": the addon's path, instead of loading it.)
    const where = { bindings: 'pinnacle', module_root: root, path: true }
    const file: unknown = bindings(where)
    process.dlopen(holder, file as string)
  } catch (cause) {
    throw unloadable(cause, root)
  }
  const addon = holder.exports as NativeBinding
  addon.setErrorClass(NativeErrorClass)
  return addon
}

function unloadable(cause: unknown, root: string): PinnacleError {
  const tries = (cause as { tries?: unknown }).tries
  if (Array.isArray(tries)) {
    return new PinnacleError(
      'ERR_PINNACLE_ADDON_MISSING',
      `the native addon is not built in ${root}; build it there with "npm install" (or "npm run build"), ` +
        'which needs Python 3, make and a C++20 compiler',
      { cause, details: { root } },
    )
  }
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new PinnacleError(
    'ERR_PINNACLE_ADDON_LOAD',
    `the native addon is there but Node ${process.version} on ${process.platform}-${process.arch} can't load ` +
      `it: ${reason}; it was probably built for another platform or Node, build it again with "npm rebuild"`,
    { cause, details: { root } },
  )
}

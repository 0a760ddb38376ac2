/**
 * The files of a data directory. Beside a running writer any of them may vanish between two calls; then a
 * MovedError asks the caller to look at the directory again.
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import path from 'node:path'

import { isMissing, MovedError, readError } from './refusals.js'

export const longestIndex = 2n ** 64n - 1n
const readBytes = 64 * 1024 * 1024 // per call

export interface NamedFile {
  /** The number in the name: a segment's index, a snapshot's sequence. */
  number: bigint
  name: string
  path: string
}

/** The segments, in order of their indices. */
export function listJournal(dataDirectory: string): NamedFile[] {
  return listed(path.join(dataDirectory, 'journal'), '.segment')
}

/** The snapshots, the oldest first. */
export function listSnapshots(dataDirectory: string): NamedFile[] {
  return listed(path.join(dataDirectory, 'snapshots'), '.snapshot')
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch (error) {
    if (isMissing(error)) return []
    throw readError(directory, error)
  }
}

/** Files whose names are 20 digits and the suffix. */
function listed(directory: string, suffix: string): NamedFile[] {
  return namesIn(directory)
    .filter((name) => /^\d{20}$/.test(name.slice(0, -suffix.length)) && name.endsWith(suffix))
    .map((name) => ({
      number: BigInt(name.slice(0, 20)),
      name,
      path: path.join(directory, name),
    }))
    .filter(({ number }) => number !== 0n && number <= longestIndex)
    .sort((a, b) => (a.number < b.number ? -1 : 1))
}

/** Reads an open file: fills `into` with the bytes from `position` on, up to the file's end. */
type ReadInto = (into: Uint8Array, position: number) => number

function withFile<T>(file: string, read: (readInto: ReadInto, size: number) => T): T {
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch (error) {
    if (isMissing(error)) throw new MovedError(`${file} is gone`)
    throw readError(file, error)
  }
  try {
    return read((into, position) => {
      let done = 0
      while (done < into.length) {
        const length = Math.min(readBytes, into.length - done)
        const got = readSync(descriptor, into, done, length, position + done)
        if (got === 0) break
        done += got
      }
      return done
    }, fstatSync(descriptor).size)
  } catch (error) {
    throw error instanceof MovedError ? error : readError(file, error)
  } finally {
    closeSync(descriptor)
  }
}

/** The whole file. */
export function readWhole(file: string): Uint8Array {
  return withFile(file, (readInto, size) => {
    const bytes = Buffer.alloc(size)
    return bytes.subarray(0, readInto(bytes, 0))
  })
}

/** The first `length` bytes, padded with zeros; empty if the file has fewer than `least`. */
export function readStart(file: string, length: number, least = 0): Uint8Array {
  return withFile(file, (readInto) => {
    const bytes = Buffer.alloc(length)
    return readInto(bytes, 0) < least ? Buffer.alloc(0) : bytes
  })
}

/** Reads bytes[from, to) of the file again, padded with zeros. */
export function readAgain(file: string, bytes: Uint8Array, from: number, to: number): void {
  withFile(file, (readInto) => {
    const part = bytes.subarray(from, to)
    part.fill(0, readInto(part, from))
  })
}

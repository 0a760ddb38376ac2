import { CredentialCode, credentialError } from '../secure/errors.js'
import type { CipherName } from '../secure/primitives.js'
import { SeedContent } from './content.js'
import { writeFirst } from './unlock.js'
import type { UnlockedFile } from './unlocked-file.js'
import { releaseFields } from './validation.js'

/** Writes a file of the seed's format again in the present one, under the same password. */
export async function upgrade(file: UnlockedFile, cipher: CipherName): Promise<void> {
  const event = { action: 'credentials.upgrade', target: file.files.path } as const
  await file.locked(event, async () => {
    const old = file.content
    if (!(old instanceof SeedContent)) {
      throw credentialError(CredentialCode.Invalid, 'the file has the present version already')
    }
    const credentials = old.index.credentials.map((credential) => ({
      ...credential,
      versions: credential.versions.map((version) => ({
        ...version,
        fields: Object.fromEntries(
          Object.entries(version.fields).map(([name, index]) => [name, old.secret(index)]),
        ),
      })),
    }))
    try {
      const index = { ...old.index, credentials }
      file.replaceContent(await writeFirst(file.files, file.provider, cipher, index))
    } finally {
      for (const { versions } of credentials) {
        for (const { fields } of versions) releaseFields(fields)
      }
    }
    old[Symbol.dispose]()
  })
}

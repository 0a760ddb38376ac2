/** `pinnacle audit key`: moves the verification key away from the trail. */
import type { Command } from 'commander'
import { encodeRootKey } from '../../../audit/head.js'
import { CredentialCode, credentialError, fileError } from '../../../secure/errors.js'
import { realFiles } from '../../../secure/file-operations.js'
import { action } from '../../action.js'
import { trailOf } from '../../audit-access.js'
import { withData, type DataOptions } from '../../data-options.js'

export function register(audit: Command): void {
  withData(
    audit
      .command('key <file>')
      .description('move the verification key away from the trail, to a safer place'),
  ).action(
    action<DataOptions, [string]>(async (output, options, path) => {
      const trail = trailOf(options)
      using root = await trail.rootKey()
      if (!root) {
        throw credentialError(
          CredentialCode.NotFound,
          `there is no audit.key in ${trail.dataDirectory}; it was moved, or is kept in the credentials`,
        )
      }
      try {
        await realFiles.create(path, encodeRootKey(root.trail, root.key))
      } catch (error) {
        throw fileError(`can't write ${path}`, error)
      }
      await trail.forgetRootKey()
      output.line(`The verification key is in ${path} alone. Keep it off this machine.`)
      output.document({ keyFile: path })
      return undefined
    }),
  )
}

/** What proves to a registry who asks. Never shown; `source` is. */
export type Credential = {
  /** Where it comes from, as the user knows it: `~/.docker/config.json`, `--username`, `GITHUB_TOKEN`. */
  readonly source: string
} & (
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  /** An OAuth2 refresh token, exchanged for access tokens. */
  | { readonly kind: 'identity'; readonly token: string }
  /** An access token, sent as it is. */
  | { readonly kind: 'bearer'; readonly token: string }
)

export interface CredentialSource {
  /**
   * The credential for a host (`host[:port]`), and for one repository where the user keeps several;
   * undefined: ask anonymously. @throws CREDENTIALS_INVALID, CREDENTIAL_HELPER_FAILED
   */
  for(host: string, repository?: string): Promise<Credential | undefined>
}

/** `user alice from ~/.docker/config.json`: a credential as errors may show it. */
export function describeCredential(credential: Credential): string {
  if (credential.kind === 'basic')
    return `user ${JSON.stringify(credential.username)} from ${credential.source}`
  return `${credential.kind === 'identity' ? 'an identity token' : 'a token'} from ${credential.source}`
}

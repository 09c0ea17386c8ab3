/** Says that a request is not one of our client's: it may be what no client of ours would send. */
export const RAW_USER_AGENT = 'raw-test';

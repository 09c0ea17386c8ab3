/** The program under test: makes a volume, whatever happens to the answer, and waits until it is there. */
async function provision({ url, user, password }, svm, name, sizeBytes) {
  const authorization = `Basic ${btoa(`${user}:${password}`)}`;
  const ask = async (method, path, body) => {
    const answer = await fetch(`${url}/api${path}`, {
      method,
      headers: { authorization, accept: 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, json: await answer.json() };
  };
  const existing = async () => (await ask('GET', `/storage/volumes?svm.name=${svm}&name=${name}`)).json.records[0];

  const body = { name, svm: { name: svm }, aggregates: [{ name: 'aggr1' }], size: sizeBytes };
  let job;
  try {
    const { status, json } = await ask('POST', '/storage/volumes', body);
    if (status >= 300) throw Object.assign(new Error(json.error.message), { code: json.error.code });
    job = json.job.uuid;
  } catch (error) {
    // The connection broke: was it before the request took effect, or after?
    if (error.code !== undefined) throw error;
  }
  for (let tries = 0; tries < 100; tries++) {
    const volume = await existing();
    if (volume) return volume.uuid;
    if (job) {
      const { json } = await ask('GET', `/cluster/jobs/${job}?fields=state,error`);
      if (json.state === 'failure') throw Object.assign(new Error(json.error.message), { code: json.error.code });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return provision({ url, user, password }, svm, name, sizeBytes);
}

module.exports = { provision };

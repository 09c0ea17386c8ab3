const { SimulatedOntap } = require('ontap-data-motion/testing');
const { provision } = require('./provision.js');

const GIB = 2 ** 30;
let world;
let cluster;

beforeEach(async () => {
  world = new SimulatedOntap({ operationMs: 10 });
  cluster = world.cluster('cluster1');
  await world.listen();
});
afterEach(() => world.close());

test('makes the volume', async () => {
  const uuid = await provision(cluster, 'svm1', 'orders', GIB);
  expect(cluster.volume('svm1', 'orders').uuid).toBe(uuid);
});

test.each(['before', 'after'])('makes it once when the answer is lost %s the effect', async (when) => {
  cluster.addFault({ kind: 'answer-lost', when, method: 'POST', path: '/storage/volumes' });
  const uuid = await provision(cluster, 'svm1', 'orders', GIB);
  expect(cluster.volume('svm1', 'orders').uuid).toBe(uuid);
  expect(cluster.volumes.filter(({ name }) => name === 'orders')).toHaveLength(1);
});

test('tells what ONTAP told when the job fails', async () => {
  cluster.addFault({ kind: 'job-fails', code: '917731', message: 'No space on aggregate', method: 'POST' });
  await expect(provision(cluster, 'svm1', 'orders', GIB)).rejects.toMatchObject({
    code: '917731',
    message: 'No space on aggregate',
  });
});

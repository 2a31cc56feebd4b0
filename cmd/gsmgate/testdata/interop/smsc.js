// An SMSC over npm's smpp, with TLS. It tells what it was sent as JSON lines on stdout, as the library reads it, answers and sends a
// receipt for each. A command on stdin is a text that a handset writes.
'use strict';
const smpp = require('smpp');
const fs = require('fs');
const readline = require('readline');

const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const sessions = new Set();
let last = 0x1000;

// Providers write ids in answers in one way and in receipts in another.
const inAnswer = (n) => n.toString(16).toUpperCase();
const inReceipt = (n) => String(n).padStart(10, '0');

const date = () => new Date().toISOString().replace(/[-T:]/g, '').slice(2, 12);

function octets(pdu) {
  const body = pdu.short_message && pdu.short_message.message && pdu.short_message.message.length ? pdu.short_message : pdu.message_payload || pdu.short_message;
  const udh = body.udh ? Buffer.concat(Array.isArray(body.udh) ? body.udh : [body.udh]) : Buffer.alloc(0);
  return { text: typeof body.message === 'string' ? body.message : '(octets)', udh: udh.toString('hex') };
}

function took(session, pdu) {
  const id = ++last;
  session.send(pdu.response({ message_id: inAnswer(id) }));
  tell(Object.assign({
    event: 'submit', to: pdu.destination_addr, from: pdu.source_addr, registered: pdu.registered_delivery,
    reference: pdu.sar_msg_ref_num || 0, total: pdu.sar_total_segments || 0, number: pdu.sar_segment_seqnum || 0,
  }, octets(pdu)));
  if (pdu.registered_delivery & 1) {
    session.deliver_sm({
      esm_class: 4, source_addr_ton: 1, source_addr_npi: 1, source_addr: pdu.destination_addr, destination_addr: pdu.source_addr,
      short_message: `id:${inReceipt(id)} sub:001 dlvrd:001 submit date:${date()} done date:${date()} stat:DELIVRD err:000 text:`,
    }, (resp) => resp.command_status && tell({ event: 'error', text: `receipt: ${resp.command_status}` }));
  }
}

const server = smpp.createServer({ key: fs.readFileSync(process.argv[2] + '/tls-key.pem'), cert: fs.readFileSync(process.argv[2] + '/tls-cert.pem') }, (session) => {
  sessions.add(session);
  session.on('bind_transceiver', (pdu) => {
    const right = pdu.system_id === 'gate' && pdu.password === 'secret';
    session.send(pdu.response(right ? { system_id: 'npm' } : { command_status: smpp.ESME_RBINDFAIL }));
  });
  session.on('submit_sm', (pdu) => took(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
  });
  session.on('close', () => sessions.delete(session));
  session.on('error', () => sessions.delete(session));
});
server.listen(0, '127.0.0.1', () => tell({ event: 'listening', port: server.address().port }));

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const c = JSON.parse(line);
  for (const session of sessions) {
    session.deliver_sm({ source_addr_ton: 1, source_addr_npi: 1, source_addr: c.from, destination_addr: c.to, short_message: c.text }, (resp) =>
      tell({ event: 'delivered', status: resp.command_status }));
    return;
  }
}).on('close', () => process.exit(0));

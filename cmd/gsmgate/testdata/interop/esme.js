// An ESME over npm's smpp. It takes commands as JSON lines on stdin and tells what happens as JSON lines on stdout. It is written as
// programs with this library are: texts go in as JavaScript strings, and the library chooses their data_coding.
'use strict';
const smpp = require('smpp');
const fs = require('fs');
const readline = require('readline');

const tell = (event) => process.stdout.write(JSON.stringify(event) + '\n');
let session;
let reference = 0;

function bind(c) {
  session = smpp.connect({ host: c.host, port: c.port, tls: true, ca: fs.readFileSync(c.ca) }, () => {
    session.bind_transceiver({ system_id: c.system_id, password: c.password }, (pdu) =>
      tell({ event: 'bound', status: pdu.command_status, tls: session.socket.getProtocol() }));
  });
  session.on('error', (err) => tell({ event: 'error', text: String(err) }));
  session.on('close', () => tell({ event: 'closed' }));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => session.send(pdu.response()));
  session.on('deliver_sm', (pdu) => {
    const body = pdu.message_payload || pdu.short_message;
    tell({
      event: 'deliver', esm_class: pdu.esm_class, data_coding: pdu.data_coding,
      source: pdu.source_addr, source_ton: pdu.source_addr_ton, dest: pdu.destination_addr,
      text: typeof body.message === 'string' ? body.message : '(octets)',
      receipted: pdu.receipted_message_id || '', state: pdu.message_state || 0,
    });
    session.send(pdu.response());
  });
}

// Each of these returns the pieces of submit_sm that carry a text.
const ways = {
  // What fits goes into short_message, what does not into message_payload.
  string(text, coding) {
    const alphabet = coding === 8 ? 'UCS2' : smpp.encodings.detect(text);
    const fits = smpp.encodings[alphabet].encode(text).length <= 254;
    return [fits ? { short_message: text } : { message_payload: text }];
  },
  payload: (text) => [{ message_payload: text }],
  udh(text) {
    const parts = split(text, 6);
    if (parts.texts.length === 1) {
      return ways.string(text);
    }
    reference = (reference + 1) % 256;
    return parts.texts.map((message, i) => ({
      data_coding: parts.coding,
      short_message: { udh: Buffer.from([5, 0, 3, reference, parts.texts.length, i + 1]), message },
    }));
  },
  sar(text) {
    const parts = split(text, 6);
    if (parts.texts.length === 1) {
      return ways.string(text);
    }
    reference = (reference + 1) % 256;
    return parts.texts.map((short_message, i) => ({
      data_coding: parts.coding, short_message,
      sar_msg_ref_num: 1000 + reference, sar_total_segments: parts.texts.length, sar_segment_seqnum: i + 1,
    }));
  },
};

// split cuts a text into what one SMS holds beside a header of one octet more, because sar_* may become a 16-bit reference.
function split(text, header) {
  const gsm = smpp.encodings.ASCII.match(text);
  const most = gsm ? Math.floor((140 - header - 1) * 8 / 7) : Math.floor((140 - header - 1) / 2);
  const size = (c) => gsm ? smpp.encodings.ASCII.encode(c).length : c.length;
  const texts = [''];
  let used = 0;
  for (const c of text) {
    if (used + size(c) > most) {
      texts.push('');
      used = 0;
    }
    texts[texts.length - 1] += c;
    used += size(c);
  }
  return { texts, coding: gsm ? 0 : 8 };
}

function submit(c) {
  const pieces = ways[c.way](c.text, c.coding);
  const ids = [];
  let failed = 0;
  for (const piece of pieces) {
    const pdu = Object.assign({
      source_addr: 'Interop', source_addr_ton: 5, destination_addr: c.to, dest_addr_ton: 1, dest_addr_npi: 1, registered_delivery: 1,
    }, c.coding >= 0 ? { data_coding: c.coding } : {}, piece);
    session.submit_sm(pdu, (resp) => {
      failed = failed || resp.command_status;
      ids.push(resp.message_id);
      if (ids.length === pieces.length) {
        tell({ event: 'answered', n: c.n, status: failed, ids });
      }
    });
  }
}

const commands = {
  bind,
  submit,
  unbind() {
    session.unbind(() => session.close());
  },
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const c = JSON.parse(line);
  commands[c.command](c);
});

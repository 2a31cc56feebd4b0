package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

type userImportCmd struct {
	dataDir
	File         string `arg:"" help:"CSV with a line of column names: SystemID, Password or PasswordHash, Credits, AddressRanges and others; - reads standard input"`
	SkipExisting bool   `help:"leave users that are there as they are, instead of refusing"`
	DryRun       bool   `help:"only check, and change nothing"`
	JSON         bool   `name:"json" help:"print as JSON"`
}

func (c *userImportCmd) Run(e *env) error {
	rows, err := c.read(e)
	if err != nil {
		return err
	}
	in := provisioning.UserImport{SkipExisting: c.SkipExisting, DryRun: c.DryRun}
	for _, r := range rows {
		in.Users = append(in.Users, r.user)
	}
	return c.call(e, creates, func(ctx context.Context, api *client.Client) error {
		done, err := api.ImportUsers(ctx, in)
		switch {
		case err != nil:
			return c.withLines(rows, err)
		case c.JSON:
			return e.json(done)
		}
		fmt.Fprintln(e.stdout, c.summary(done))
		return nil
	})
}

func (c *userImportCmd) summary(done provisioning.UsersImported) string {
	text := plural(done.Added, "user") + " added"
	if c.DryRun {
		text = plural(done.Added, "user") + " can be added"
	}
	if done.Skipped > 0 {
		text += ", " + plural(done.Skipped, "user") + " there already"
	}
	return text
}

// csvRow is one user of the file and where it stands.
type csvRow struct {
	line int
	user provisioning.NewUser
}

func (c *userImportCmd) read(e *env) ([]csvRow, error) {
	if c.File == "-" {
		return parseUsers("standard input", e.stdin)
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseUsers(c.File, f)
}

// maxImport is the most octets that a file may have.
const maxImport = 12 << 20

// parseUsers reads the whole file; all that is wrong with it is told at once.
func parseUsers(name string, in io.Reader) ([]csvRow, error) {
	r, err := newCSV(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	head, err := r.Read()
	if err != nil {
		return nil, fail(columnsHint, "%s: no line of column names", name)
	}
	columns, err := columnsOf(head)
	if err != nil {
		return nil, fail(columnsHint, "%s:1: %w", name, err)
	}
	var rows []csvRow
	var wrong several
	for {
		fields, err := r.Read()
		if err == io.EOF {
			break
		}
		line := lineOfCSV(r, err)
		row := csvRow{line: line}
		if err == nil {
			err = row.fill(columns, fields)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s:%d: %w", name, line, csvWords(err)))
			continue
		}
		rows = append(rows, row)
	}
	switch {
	case len(wrong) > 0:
		return nil, append(wrong, fail("mend the lines and try again", "nothing was imported"))
	case len(rows) == 0:
		return nil, fail("each line after the first is a user", "%s: no users", name)
	}
	return rows, nil
}

// newCSV reads a table whose fields are parted by commas or, as spreadsheets
// write it in many countries, by semicolons, or by tabs, as databases do.
func newCSV(in io.Reader) (*csv.Reader, error) {
	// UTF-16 with its mark, as databases on Windows write it, becomes UTF-8.
	in = transform.NewReader(in, unicode.BOMOverride(transform.Nop))
	raw, err := io.ReadAll(io.LimitReader(in, maxImport+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxImport {
		return nil, fmt.Errorf("larger than %d MiB", maxImport>>20)
	}
	r := csv.NewReader(bytes.NewReader(raw))
	r.TrimLeadingSpace = true
	head, _, _ := bytes.Cut(raw, []byte("\n"))
	switch {
	case bytes.Contains(head, []byte(",")):
	case bytes.Contains(head, []byte("\t")):
		r.Comma, r.TrimLeadingSpace = '\t', false // else an empty field would be lost
	case bytes.Contains(head, []byte(";")):
		r.Comma = ';'
	}
	return r, nil
}

// lineOfCSV is where the record that was read begins.
func lineOfCSV(r *csv.Reader, err error) int {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return parse.StartLine
	}
	line, _ := r.FieldPos(0)
	return line
}

func csvWords(err error) error {
	var parse *csv.ParseError
	if errors.As(err, &parse) {
		return parse.Err
	}
	return err
}

const columnsHint = "columns: SystemID, and Password or PasswordHash (SHA-1 of the UTF-16LE password, hexadecimal); Credits, AddressRanges and the names of the API are optional; lists have semicolons or spaces between their items"

// column reads one field of a line into a user. Its error does not repeat the
// field: columns that were mixed up may hold passwords.
type column func(u *provisioning.NewUser, field string) error

// fill reads a line. Empty fields say nothing; nor does NULL, which is what SQL
// Server exports for one.
func (r *csvRow) fill(columns []column, fields []string) error {
	for i, field := range fields {
		if field := strings.TrimSpace(field); field == "" || field == "NULL" {
			continue
		}
		if err := columns[i](&r.user, field); err != nil {
			return err
		}
	}
	return nil
}

// knownColumns are the columns by their name in small letters, without _.
var knownColumns = map[string]column{
	"systemid": text(func(u *provisioning.NewUser) *string { return &u.Name }),
	"name":     text(func(u *provisioning.NewUser) *string { return &u.Name }),

	"password":     text(func(u *provisioning.NewUser) *string { return &u.Password }),
	"passwordhash": text(func(u *provisioning.NewUser) *string { return &u.PasswordSHA1 }),
	"passwordsha1": text(func(u *provisioning.NewUser) *string { return &u.PasswordSHA1 }),

	"credits":       creditsColumn(func(u *provisioning.NewUser) **int64 { return &u.Millicredits }),
	"creditlimit":   creditsColumn(func(u *provisioning.NewUser) **int64 { return &u.CreditLimit }),
	"enabled":       enabledColumn,
	"addressrange":  rangesColumn,
	"addressranges": rangesColumn,

	"alphabet":      optionalText(func(u *provisioning.NewUser) **string { return &u.Alphabet }),
	"longform":      optionalText(func(u *provisioning.NewUser) **string { return &u.LongForm }),
	"receiptform":   optionalText(func(u *provisioning.NewUser) **string { return &u.ReceiptForm }),
	"pricelist":     optionalText(func(u *provisioning.NewUser) **string { return &u.PriceList }),
	"refund":        optionalText(func(u *provisioning.NewUser) **string { return &u.Refund }),
	"region":        optionalText(func(u *provisioning.NewUser) **string { return &u.Region }),
	"certauth":      optionalText(func(u *provisioning.NewUser) **string { return &u.CertAuth }),
	"maxsessions":   wholeNumber("max_sessions", func(u *provisioning.NewUser) **int { return &u.MaxSessions }),
	"window":        wholeNumber("window", func(u *provisioning.NewUser) **int { return &u.Window }),
	"rate":          wholeNumber("rate", func(u *provisioning.NewUser) **int { return &u.Rate }),
	"weight":        wholeNumber("weight", func(u *provisioning.NewUser) **int { return &u.Weight }),
	"queuecount":    wholeNumber("queue_count", func(u *provisioning.NewUser) **int { return &u.QueueCount }),
	"queueminutes":  wholeNumber("queue_minutes", func(u *provisioning.NewUser) **int { return &u.QueueMinutes }),
	"keepcount":     wholeNumber("keep_count", func(u *provisioning.NewUser) **int { return &u.KeepCount }),
	"keephours":     wholeNumber("keep_hours", func(u *provisioning.NewUser) **int { return &u.KeepHours }),
	"allowedfrom":   items(" ;\n", func(u *provisioning.NewUser) **[]string { return &u.AllowedFrom }),
	"sources":       items(" ;\n", func(u *provisioning.NewUser) **[]string { return &u.Sources }),
	"destinations":  items(" ;\n", func(u *provisioning.NewUser) **[]string { return &u.Destinations }),
	"defaultsource": optionalText(func(u *provisioning.NewUser) **string { return &u.DefaultSource }),
	"forcedsource":  optionalText(func(u *provisioning.NewUser) **string { return &u.ForcedSource }),

	"certnames": items(";\n", func(u *provisioning.NewUser) **[]string { return &u.CertNames }),
}

// columnsOf reads the first line.
func columnsOf(head []string) ([]column, error) {
	var columns []column
	var seen []string
	for _, name := range head {
		plain := strings.ToLower(strings.NewReplacer("_", "", " ", "", "(s)", "s").Replace(name))
		c, ok := knownColumns[plain]
		switch {
		case !ok:
			return nil, fmt.Errorf("unknown column %q", name)
		case slices.Contains(seen, plain):
			return nil, fmt.Errorf("column %q is there twice", name)
		}
		columns, seen = append(columns, c), append(seen, plain)
	}
	if !slices.Contains(seen, "systemid") && !slices.Contains(seen, "name") {
		return nil, errors.New("no column SystemID")
	}
	return columns, nil
}

func text(target func(*provisioning.NewUser) *string) column {
	return func(u *provisioning.NewUser, field string) error {
		*target(u) = field // a password may end with a space
		return nil
	}
}

func optionalText(target func(*provisioning.NewUser) **string) column {
	return func(u *provisioning.NewUser, field string) error {
		if field = strings.TrimSpace(field); field == "none" {
			field = ""
		}
		*target(u) = &field
		return nil
	}
}

func wholeNumber(name string, target func(*provisioning.NewUser) **int) column {
	return func(u *provisioning.NewUser, field string) error {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil {
			return fmt.Errorf("%s is no whole number", name)
		}
		*target(u) = &n
		return nil
	}
}

// items reads a list. Names of certificates may have spaces.
func items(separators string, target func(*provisioning.NewUser) **[]string) column {
	return func(u *provisioning.NewUser, field string) error {
		list := splitList(field, separators)
		*target(u) = &list
		return nil
	}
}

func splitList(field, separators string) (list []string) {
	for _, item := range strings.FieldsFunc(field, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

func rangesColumn(u *provisioning.NewUser, field string) error {
	u.AddressRanges = splitList(field, " ;\n")
	return nil
}

func creditsColumn(field func(*provisioning.NewUser) **int64) column {
	return func(u *provisioning.NewUser, text string) error {
		v, err := parseAmount(strings.TrimSpace(text))
		if err != nil {
			return fmt.Errorf("credits %w", errAmount)
		}
		millicredits := int64(v)
		*field(u) = &millicredits
		return nil
	}
}

func enabledColumn(u *provisioning.NewUser, field string) error {
	var on bool
	switch strings.ToLower(strings.TrimSpace(field)) {
	case "yes", "true", "1":
		on = true
	case "no", "false", "0":
	default:
		return errors.New("enabled is neither yes nor no")
	}
	u.Enabled = &on
	return nil
}

var rowField = regexp.MustCompile(`^users\[(\d+)\]`)

// withLines gives the findings of the gateway the lines that they are about.
func (c *userImportCmd) withLines(rows []csvRow, err error) error {
	var p *provisioning.Problem
	if !errors.As(err, &p) || len(p.Errors) == 0 {
		return err
	}
	var all several
	for _, d := range p.Errors {
		where := c.File
		if m := rowField.FindStringSubmatch(d.Field); m != nil {
			if i, err := strconv.Atoi(m[1]); err == nil && i < len(rows) {
				where = fmt.Sprintf("%s:%d", c.File, rows[i].line)
			}
		}
		all = append(all, fmt.Errorf("%s: %s", where, d.Message))
	}
	return append(all, fail("mend the lines and try again; --skip-existing leaves users alone that are there", "nothing was imported"))
}

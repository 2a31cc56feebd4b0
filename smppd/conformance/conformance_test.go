package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gsmgate/smppd/smpp"
)

// module is its root, seen from this package.
const module = "../.."

// source is what the statement is held against.
type source struct {
	clauses map[string]string        // clause → a place where code implements it
	tests   map[string]*ast.FuncDecl // test functions by name, and by directory and name
	broken  []string                 // comments in brackets that do not parse
}

// read reads every Go file of the module.
func read(t *testing.T) source {
	t.Helper()
	src := source{clauses: map[string]string{}, tests: map[string]*ast.FuncDecl{}}
	files := token.NewFileSet()
	err := filepath.WalkDir(module, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != module:
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go"):
			return nil
		}
		f, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, "_test.go") {
			src.addTests(path, f)
		} else {
			src.addClauses(path, f)
		}
		return nil
	})
	if err != nil || len(src.tests) < 100 || len(src.clauses) < 50 {
		t.Fatalf("%v; %d tests, %d clauses: the test looks at the wrong tree", err, len(src.tests), len(src.clauses))
	}
	return src
}

func (src source) addTests(path string, f *ast.File) {
	dir, _ := filepath.Rel(module, filepath.Dir(path))
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Test") {
			src.tests[fn.Name.Name] = fn
			src.tests[filepath.ToSlash(dir)+"."+fn.Name.Name] = fn
		}
	}
}

// stub reports whether a test has nothing in it, or skips before anything else.
func stub(fn *ast.FuncDecl) bool {
	if fn.Body == nil || len(fn.Body.List) == 0 {
		return true
	}
	first, ok := fn.Body.List[0].(*ast.ExprStmt)
	if !ok {
		return false
	}
	call, ok := first.X.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	return ok && strings.HasPrefix(sel.Sel.Name, "Skip")
}

var bracket = regexp.MustCompile(`\[(SMPP[^\]]*)\]`)

func (src *source) addClauses(path string, f *ast.File) {
	for _, group := range f.Comments {
		for _, m := range bracket.FindAllStringSubmatch(strings.Join(strings.Fields(group.Text()), " "), -1) {
			all, err := clausesOf(m[1])
			if err != nil {
				src.broken = append(src.broken, fmt.Sprintf("%s: [%s]: %v", path, m[1], err))
			}
			for _, c := range all {
				src.clauses[c] = path
			}
		}
	}
}

var (
	clauseForm = regexp.MustCompile(`^(SMPP34|SMPP50) (\d+(?:\.\d+)*|Appendix [A-D])(?: Note)?$`)
	rangeForm  = regexp.MustCompile(`^(.*\.)(\d+) to (.*\.)(\d+)$`)
)

// clausesOf reads what stands in brackets: clauses after commas, each of the specification that was
// named last; "a to b" is all between; what follows a colon is a remark.
func clausesOf(text string) (all []string, err error) {
	text, _, _ = strings.Cut(text, ":")
	spec := ""
	for item := range strings.SplitSeq(text, ",") {
		item = strings.TrimSpace(item)
		if name, rest, ok := strings.Cut(item, " "); ok && strings.HasPrefix(name, "SMPP") {
			spec, item = name, rest
		}
		for _, one := range expand(item) {
			m := clauseForm.FindStringSubmatch(spec + " " + one)
			if m == nil {
				return all, fmt.Errorf("%q is no clause", spec+" "+one)
			}
			all = append(all, m[1]+" "+m[2])
		}
	}
	return all, nil
}

// expand gives every clause of "5.2.5 to 5.2.9".
func expand(item string) (all []string) {
	m := rangeForm.FindStringSubmatch(item)
	if m == nil || m[1] != m[3] {
		return []string{item}
	}
	var from, to int
	fmt.Sscan(m[2], &from)
	fmt.Sscan(m[4], &to)
	for i := from; i <= to; i++ {
		all = append(all, fmt.Sprint(m[1], i))
	}
	return all
}

func TestClausesOf(t *testing.T) {
	for text, want := range map[string]string{
		"SMPP34 4.4.1":              "SMPP34 4.4.1",
		"SMPP34 3.3, SMPP50 4.7.6":  "SMPP34 3.3; SMPP50 4.7.6",
		"SMPP34 4.1.2, 4.4.2":       "SMPP34 4.1.2; SMPP34 4.4.2",
		"SMPP34 5.2.5 to 5.2.7":     "SMPP34 5.2.5; SMPP34 5.2.6; SMPP34 5.2.7",
		"SMPP34 7.1.1, Appendix C":  "SMPP34 7.1.1; SMPP34 Appendix C",
		"SMPP34 7.1.1 Note":         "SMPP34 7.1.1",
		"SMPP34 2.1: IANA 2775":     "SMPP34 2.1",
		"SMPP34 4.x":                "error",
		"SMPP35 4.1":                "error",
		"SMPP34":                    "error",
		"SMPP34 5.2.5 to 5.2.x":     "error",
		"SMPP34 4.1.2 , , SMPP50 1": "error",
	} {
		all, err := clausesOf(text)
		got := strings.Join(all, "; ")
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// Every clause that the code names can be found by a row.
func TestSource_ClausesParse(t *testing.T) {
	for _, b := range read(t).broken {
		t.Error(b)
	}
}

// No row says more than there is.
func TestConformance_RowsAreHeldByCodeAndTests(t *testing.T) {
	src := read(t)
	for _, r := range Rows() {
		for _, c := range r.Clauses {
			if !clauseForm.MatchString(c) || (r.Answer != "no" && src.clauses[c] == "") {
				t.Errorf("%s %s: no code implements [%s]", r.Kind, r.what(), c)
			}
		}
		for _, name := range r.Tests {
			if fn := src.tests[name]; fn == nil || stub(fn) {
				t.Errorf("%s %s: there is no test %s", r.Kind, r.what(), name)
			}
		}
		switch {
		case len(r.Clauses) == 0:
			t.Errorf("%s %s: no clause", r.Kind, r.what())
		case r.Answer == "yes" && len(r.Tests) == 0:
			t.Errorf("%s %s: yes without a test", r.Kind, r.what())
		case r.Answer != "yes" && r.Note == "":
			t.Errorf("%s %s: %s without a reason", r.Kind, r.what(), r.Answer)
		}
	}
}

// directionsOf tells who sends a PDU, by the specification.
func directionsOf(id smpp.CommandID) []string {
	switch id {
	case smpp.IDUnbind, smpp.IDUnbindResp, smpp.IDGenericNack, smpp.IDEnquireLink, smpp.IDEnquireLinkResp,
		smpp.IDDataSM, smpp.IDDataSMResp:
		return []string{"from-esme", "to-esme"}
	case smpp.IDDeliverSM, smpp.IDDeliverSMResp: // an ESME that sends deliver_sm gets an answer, too
		return []string{"from-esme", "to-esme"}
	case smpp.IDOutbind, smpp.IDAlertNotification:
		return []string{"to-esme"}
	}
	if id.IsResponse() {
		return []string{"to-esme"}
	}
	return []string{"from-esme"}
}

// wanted is every row that the codec asks for, by kind, PDU, name and direction.
func wanted() map[string]bool {
	all := map[string]bool{}
	var ids []smpp.CommandID
	for low := range smpp.CommandID(0x10000) {
		for _, id := range []smpp.CommandID{low, low | 0x80000000} {
			if !strings.HasPrefix(id.String(), "command_id(") {
				ids = append(ids, id)
			}
		}
	}
	for _, id := range ids {
		for _, d := range directionsOf(id) {
			all["pdu  "+id.String()+" "+d] = true
		}
		for tag := range 0x10000 {
			if tag := smpp.Tag(tag); tag.DefinedIn(id) {
				all["tlv "+id.String()+" "+tag.String()+" "+directionsOf(id)[0]] = true
			}
		}
	}
	for status := range smpp.CommandStatus(0x10000) {
		if strings.HasPrefix(status.String(), "ESME_R") {
			all["status  "+status.String()] = true
		}
	}
	return all
}

// key is that of wanted.
func (r Row) key() string {
	switch r.Kind {
	case "pdu":
		return "pdu  " + r.Name + " " + r.Direction
	case "tlv":
		direction := r.Direction
		if r.PDU == "deliver_sm" || r.PDU == "data_sm_resp" { // an SMSC's, here
			direction = "from-esme"
		}
		return "tlv " + r.PDU + " " + r.Name + " " + direction
	case "status":
		return "status  " + r.Name
	}
	return r.Kind + "  " + r.Name + " " + r.Direction
}

// Each PDU, tag and status that the codec knows has one row, and there is no row of another.
func TestConformance_OneRowForEachThatTheCodecKnows(t *testing.T) {
	want, seen := wanted(), map[string]bool{}
	if len(want) < 200 {
		t.Fatalf("the codec knows %d things only", len(want))
	}
	for _, r := range Rows() {
		k := r.key()
		switch {
		case seen[k]:
			t.Errorf("two rows: %s", k)
		case r.Kind != "field" && r.Kind != "timer" && !want[k]:
			t.Errorf("the codec does not know: %s", k)
		}
		seen[k] = true
	}
	for k := range want {
		if !seen[k] {
			t.Errorf("no row: %s", k)
		}
	}
}

func TestParse_Mistakes_Refused(t *testing.T) {
	for _, line := range []string{
		"pdu | x | from-esme | yes | SMPP34 1 | TestX", "pdux | x | both | yes | | | ", "pdu | x | sideways | yes | | | ",
		"pdu | x | both | maybe | | | ", "tlv | source_port | both | yes | | | ",
	} {
		if _, err := parse("# fine\n\n" + line + "\n"); err == nil || !strings.Contains(err.Error(), "line 3") {
			t.Errorf("%q: %v", line, err)
		}
	}
	rows, err := parse("tlv | a in x, y | both | no | SMPP34 1, SMPP34 2 | | because\n")
	if err != nil || len(rows) != 2 || rows[1].PDU != "y" || rows[1].Name != "a" || len(rows[0].Clauses) != 2 || len(rows[0].Tests) != 0 {
		t.Errorf("%+v, %v", rows, err)
	}
}

func TestWrite_EveryRowIsShown(t *testing.T) {
	rows := Rows()
	var text, markdown bytes.Buffer
	if err := WriteText(&text, rows); err != nil {
		t.Fatal(err)
	}
	if err := WriteMarkdown(&markdown, rows); err != nil {
		t.Fatal(err)
	}
	shown := 0
	for line := range strings.Lines(text.String()) {
		if slices.Contains(answers, strings.SplitN(line, " ", 2)[0]) {
			shown++
		}
	}
	if shown != len(rows) || strings.Count(markdown.String(), "\n| ") != len(rows)+len(kinds) {
		t.Errorf("%d rows, %d lines of text, %d of Markdown", len(rows), shown, strings.Count(markdown.String(), "\n| "))
	}
	raw, err := json.Marshal(rows)
	var back []Row
	if err != nil || json.Unmarshal(raw, &back) != nil || len(back) != len(rows) || !strings.Contains(string(raw), `"tests":[]`) {
		t.Errorf("JSON: %v", err)
	}
}

package provisioning

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"

	"gsmgate/router"
	"gsmgate/storage"
)

func (a *API) users(context.Context, *none) ([]User, error) {
	views, err := a.Router.Users()
	if err != nil {
		return nil, err
	}
	users := make([]User, len(views))
	for i, v := range views {
		users[i] = a.userOf(v)
	}
	return users, nil
}

// ByName is exported for huma, which fills in no others.
type ByName struct {
	Name string `path:"name" doc:"system_id"`
}

func (a *API) user(_ context.Context, in *ByName) (User, error) {
	v, err := a.Router.User(in.Name)
	return a.withState(a.userOf(v)), err
}

func (a *API) addUser(ctx context.Context, in *body[NewUser]) (User, error) {
	spec, err := in.Body.spec()
	if err != nil {
		return User{}, err
	}
	v, err := a.Router.AddUser(ctx, spec)
	return a.withState(a.userOf(v)), err
}

// spec reads a user that is to be made.
func (u *NewUser) spec() (router.UserSpec, error) {
	amount, given, err := u.millicredits()
	if err == nil && given && amount < 0 {
		err = problem(http.StatusUnprocessableEntity, "credits", "a new user cannot start with less than no credits", "")
	}
	return router.UserSpec{
		SystemID: u.Name, Password: u.Password, PasswordSHA1: u.PasswordSHA1, Disabled: u.Enabled != nil && !*u.Enabled,
		Credits: amount, AddressRanges: u.AddressRanges, UserSettings: router.UserSettings(u.UserSettings),
	}, err
}

func (a *API) setUser(ctx context.Context, in *struct {
	ByName
	Body UserPatch
}) (User, error) {
	v, err := a.Router.SetUser(ctx, in.Name, router.UserChange{
		Password: in.Body.Password, PasswordSHA1: in.Body.PasswordSHA1, Enabled: in.Body.Enabled,
		AddressRanges: in.Body.AddressRanges, UserSettings: router.UserSettings(in.Body.UserSettings),
	})
	return a.withState(a.userOf(v)), err
}

// removeUser answers what the user was.
func (a *API) removeUser(ctx context.Context, in *struct {
	ByName
	Force bool `query:"force" doc:"end its messages by their rules, and write its credits off"`
}) (User, error) {
	v, err := a.Router.User(in.Name)
	if err == nil {
		err = a.Router.RemoveUser(ctx, in.Name, in.Force)
	}
	return a.userOf(v), err
}

func (a *API) importUsers(ctx context.Context, in *body[UserImport]) (UsersImported, error) {
	specs := make([]router.UserSpec, len(in.Body.Users))
	var wrong []FieldDetail
	for i := range in.Body.Users {
		var err error
		if specs[i], err = in.Body.Users[i].spec(); err != nil {
			wrong = append(wrong, rowDetail(i, err))
		}
	}
	if len(wrong) > 0 {
		return UsersImported{}, importProblem(wrong)
	}
	done, err := a.Router.ImportUsers(ctx, specs, router.ImportOptions{SkipExisting: in.Body.SkipExisting, DryRun: in.Body.DryRun})
	var rows router.ImportError
	if errors.As(err, &rows) {
		for _, row := range rows {
			wrong = append(wrong, rowDetail(row.Row, row.Err))
		}
		return UsersImported{}, importProblem(wrong)
	}
	return UsersImported(done), err
}

// rowDetail names the user and, where it is known, the member of it.
func rowDetail(row int, err error) FieldDetail {
	d := FieldDetail{Field: fmt.Sprintf("users[%d]", row), Message: err.Error()}
	var p *Problem
	var re *router.Error
	switch {
	case errors.As(err, &p) && p.Field != "":
		d.Field += "." + p.Field
	case errors.As(err, &re) && re.Field != "":
		d.Field += "." + re.Field
	}
	return d
}

func importProblem(wrong []FieldDetail) *Problem {
	p := problem(http.StatusUnprocessableEntity, "users", fmt.Sprintf("%d of the users cannot be imported; none was", len(wrong)), "mend what errors names; skip_existing leaves users alone that are there")
	p.Errors = wrong
	return p
}

func (a *API) credit(ctx context.Context, in *struct {
	ByName
	Body NewCredit
}) (Balance, error) {
	amount, given, err := in.Body.millicredits()
	if err == nil && !given {
		err = problem(http.StatusUnprocessableEntity, "credits", "credits or millicredits is needed", "")
	}
	if err != nil {
		return Balance{}, err
	}
	b, err := a.Router.Credit(ctx, in.Name, amount, in.Body.Note)
	return balanceOf(b), err
}

// maxCredits keeps every sum far from where a float loses a millicredit.
const maxCredits = 1_000_000_000

// millicredits reads whichever of the two was given.
func (m Amount) millicredits() (amount storage.Millicredits, given bool, err error) {
	const unprocessable = http.StatusUnprocessableEntity
	switch {
	case m.Credits != nil && m.Millicredits != nil:
		return 0, true, problem(unprocessable, "credits", "credits and millicredits exclude each other", "")
	case m.Credits != nil:
		exact := *m.Credits * float64(storage.Credit)
		if math.Abs(exact-math.Round(exact)) > 1e-6*max(1, math.Abs(*m.Credits)) {
			return 0, true, problem(unprocessable, "credits", "credits have at most three decimals", "")
		}
		if math.Abs(*m.Credits) > maxCredits {
			return 0, true, problem(unprocessable, "credits", "more than a billion credits at once", "")
		}
		return storage.Millicredits(math.Round(exact)), true, nil
	case m.Millicredits != nil:
		v := storage.Millicredits(*m.Millicredits)
		if v > maxCredits*storage.Credit || v < -maxCredits*storage.Credit {
			return 0, true, problem(unprocessable, "millicredits", "more than a billion credits at once", "")
		}
		return v, true, nil
	}
	return 0, false, nil
}
